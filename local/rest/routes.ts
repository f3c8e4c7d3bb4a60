/**
 * What `ark up` answers beside the webhook paths: the Ark objects, Secrets, and the record of a run, to whoever holds
 * the token in `up.json`.
 */
import { readFacts, readingOf } from "#core/runs/read-facts.ts";
import { runAnswer } from "#core/runs/run-answer.ts";
import type { FactLog, Outputs, RunStates, TokenFeed } from "#core/ports/record.ts";
import { bearerToken, tokenDigest, tokenMatches } from "#platform/http/bearer.ts";
import type { HttpReply, HttpRequest, Route } from "#platform/http/exchange.ts";
import { merge } from "../../functions/webhook/merge.ts";
import { objectRoutes, type ObjectsApi } from "./objects.ts";
import { failure, success } from "./status.ts";

export type RestDeps = ObjectsApi & {
  readonly token: string;
  readonly facts: FactLog;
  readonly tokens: TokenFeed;
  readonly states: RunStates;
  readonly outputs: Pick<Outputs, "load">;
  /** Decoded values of a Secret. */
  readonly secret: (namespace: string, name: string) => Readonly<Record<string, string>> | undefined;
};

export function restRoutes(deps: RestDeps): Route[] {
  const run = "/apis/arkonis.dev/v1alpha1/namespaces/:namespace/arkruns/:name";
  const routes: Route[] = [
    { method: "GET", path: `${run}/facts`, handle: async (request) => factsReply(request, deps) },
    { method: "GET", path: `${run}/output`, handle: (request) => outputReply(request, deps) },
    {
      method: "GET",
      path: "/api/v1/namespaces/:namespace/secrets/:name",
      handle: async (one) => secretReply(one, deps),
    },
    ...objectRoutes(deps),
  ];
  const digest = tokenDigest(deps.token);
  return routes.map((route) => ({
    ...route,
    maxBodyBytes: 4 * 1024 * 1024,
    handle: async (request) =>
      tokenMatches(bearerToken(request.headers["authorization"]), digest)
        ? route.handle(request)
        : failure("Unauthorized", "the token of up.json is needed"),
  }));
}

function secretReply(request: HttpRequest, deps: RestDeps): HttpReply {
  const { namespace = "", name = "" } = request.params;
  const values = deps.secret(namespace, name);
  if (values === undefined) return failure("NotFound", `Secret "${name}" not found in namespace "${namespace}"`);
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")]),
  );
  return success({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data });
}

async function outputReply(request: HttpRequest, deps: RestDeps): Promise<HttpReply> {
  const { namespace = "", name = "" } = request.params;
  const known = await deps.states.get({ namespace, run: name });
  const answer = known === undefined ? undefined : await runAnswer(known.state, deps.outputs);
  if (answer?.output === undefined) return failure("NotFound", `run "${name}" has no output in "${namespace}"`);
  return success({ output: answer.output });
}

function factsReply(request: HttpRequest, deps: RestDeps): HttpReply {
  const run = { namespace: request.params["namespace"] ?? "", run: request.params["name"] ?? "" };
  const { query, signal } = request;
  const reading = readingOf((name) => query.get(name));
  if (reading === undefined) return failure("BadRequest", "fromSeq is a whole number from 1 on");
  const facts = readFacts(run, reading, deps, signal);
  if (!reading.follow || query.get("tokens") !== "true") return { kind: "ndjson", lines: facts };
  const tokens = labelled(deps.tokens.watch(run, signal));
  return { kind: "ndjson", lines: merge<unknown>([facts, tokens]) };
}

async function* labelled(tokens: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const one of tokens) yield { tokens: one };
}
