/**
 * The router: tasks for one agent, from outside, over HTTP or A2A (api 5).
 *
 * W1  Order: size, rate, authentication, everything else. A wrong token and an unknown service answer alike (D38).
 * W2  Everything that can be refused is refused before anything is stored (P10).
 * W3  A task is answered once it is stored; its run holds its result, its tokens and its cost, and outlives this process.
 * W4  No access to Kubernetes: `ark-triggers` says all there is to know of the service (P8).
 */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import { speaks } from "#core/routing/spoken.ts";
import { unlessAway } from "#core/ports/unless-away.ts";
import type { HttpReply, HttpRequest, Route } from "#platform/http/exchange.ts";
import { a2aTasks } from "./a2a-tasks.ts";
import { Balance } from "./balance.ts";
import type { RouterDeps } from "./deps.ts";
import * as problems from "./problems.ts";
import { readBody } from "./read-task.ts";
import { postTask, readTaskRun, type At } from "./tasks.ts";
import { traced, type Where } from "./trace.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** Where the service stands: by its own name, or by the names in the path. */
export type Place = {
  /** Before every path: empty, or `/services/:namespace/:name`. */
  readonly base: string;
  readonly service?: { readonly namespace: string; readonly name: string };
};

/** `open`: whoever knows that the service is there may ask. */
type Access = "by token" | "open";
type Answer = (request: HttpRequest, at: At) => Promise<HttpReply>;

/** All places are one router: what it knows of turns and tasks is the same by every way (B1). */
export function routerRoutes(deps: RouterDeps, ...places: readonly Place[]): readonly Route[] {
  const balance = new Balance(deps);
  return places.flatMap((place) => routesAt(place, deps, balance));
}

function routesAt(place: Place, deps: RouterDeps, balance: Balance): readonly Route[] {
  const root = place.base === "" ? "/" : place.base;
  const route = (method: Route["method"], path: string, answer: Answer, access: Access = "by token"): Route => {
    const handle = (request: HttpRequest) =>
      unlessAway(() => enter(request, place, deps, access, answer), problems.notReady, deps.log);
    return {
      method,
      path,
      pattern: patternOf(place.base, path),
      maxBodyBytes: MAX_BODY_BYTES,
      handle: method === "POST" ? (request) => traced(request, whereOf(place, request), deps, handle) : handle,
    };
  };
  const post: Answer = (request, at) => receive(request, at, deps, balance);
  return [
    route("POST", root, post),
    route("POST", `${place.base}/task`, post),
    route("GET", `${place.base}/tasks/:task`, (request, at) => read(request, at, deps)),
    // A2A 8.2: a card is how strangers find out what token they need.
    route("GET", `${place.base}/.well-known/agent-card.json`, (request, at) => card(request, at, deps), "open"),
  ];
}

/** A router that serves one service has its name in the path by the front door. */
function patternOf(base: string, path: string): string {
  return base === "" ? path : `/services/:namespace/:name${path.slice(base.length)}`;
}

/** W1. */
async function enter(
  request: HttpRequest,
  place: Place,
  deps: RouterDeps,
  access: Access,
  answer: Answer,
): Promise<HttpReply> {
  if (request.declaredBytes > MAX_BODY_BYTES) return problems.tooLarge(MAX_BODY_BYTES);
  const { namespace, name } = whereOf(place, request);
  for (const verdict of [deps.rate.total.take(""), deps.rate.perService.take(`${namespace}/${name}`)])
    if (verdict.kind === "refused") return problems.rateLimited(verdict.retryAfterSeconds);
  const service = await lookUp(namespace, name, deps);
  const admitted = deps.authorized(request.headers["authorization"], service?.tokenDigest);
  if (service === undefined || !(admitted || access === "open")) return problems.unauthorized;
  const base = place.base === "" ? "" : `/services/${namespace}/${name}`;
  return answer(request, { service, base });
}

function whereOf({ service }: Place, { params }: HttpRequest): Where {
  return service ?? { namespace: params["namespace"] ?? "", name: params["name"] ?? "" };
}

function lookUp(namespace: string, name: string, deps: RouterDeps): Promise<ServiceRecord | undefined> {
  const isNamed = DNS_LABEL.test(namespace) && DNS_LABEL.test(name);
  return isNamed ? deps.services.get(namespace, name) : Promise.resolve(undefined);
}

/** One address may serve both protocols: a JSON-RPC call says that it is one. */
async function receive(request: HttpRequest, at: At, deps: RouterDeps, balance: Balance): Promise<HttpReply> {
  const read = await readBody(request);
  if (read.kind === "refused") return read.problem;
  const protocol = read.kind === "rpc" ? "A2A" : "HTTP";
  if (!speaks(at.service, protocol, request.headers)) return problems.notSpoken(protocol);
  if (read.kind === "plain") return postTask(read.body, request, at, deps, balance);
  const tasks = a2aTasks(at.service, request, deps, balance);
  const answer = await deps.a2a.answer(read.body, agentOf(request, at), tasks);
  return answer.kind === "one"
    ? { kind: "json", status: 200, body: answer.body }
    : { kind: "sse", events: messages(answer.bodies) };
}

async function read(request: HttpRequest, at: At, deps: RouterDeps): Promise<HttpReply> {
  return speaks(at.service, "HTTP", request.headers) ? readTaskRun(request, at, deps) : problems.notSpoken("HTTP");
}

async function* messages(bodies: AsyncIterable<unknown>) {
  for await (const data of bodies) yield { event: "message", data };
}

async function card(request: HttpRequest, at: At, deps: RouterDeps): Promise<HttpReply> {
  if (!speaks(at.service, "A2A", request.headers)) return problems.notSpoken("A2A");
  const body = await deps.a2a.card(agentOf(request, at), request.headers["a2a-version"]);
  return { kind: "json", status: 200, body, headers: { vary: "A2A-Version" } };
}

/** Its address is the one by which the client has reached it. */
function agentOf({ headers }: HttpRequest, { service, base }: At) {
  const scheme = headers["x-forwarded-proto"] === "https" ? "https" : "http";
  const host = headers["x-forwarded-host"] ?? headers["host"] ?? "localhost";
  return { name: service.agent, version: String(service.generation), url: `${scheme}://${host}${base}/` };
}
