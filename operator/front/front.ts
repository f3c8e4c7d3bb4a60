/**
 * The port that people's webhooks and tasks reach: streams each request to the sleeping webhook function, or to a sleeping
 * router, and its answer back. The record of runs it reads out itself.
 *
 * F1  Nothing is judged here but the path: size, rate and token are the function's (api 13).
 * F2  Either side that goes away ends the other. Both have a limit of silence.
 * F3  A function that cannot be reached is 503 with Retry-After: nothing was fired.
 * F4  Only a service that has a record is passed on to: a path names no other address of the cluster.
 * F5  A port that a service declares leads to that service alone, and says which protocol it is for (D42).
 * F6  The API server's proxy keeps `Authorization` for itself: who comes through it has the token in `x-ark-token`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { Logger } from "#core/ports/log.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { PROTOCOL_HEADER, type ServicePort, type Services } from "#core/ports/services.ts";
import { problemBody } from "#platform/http/problem.ts";
import { createForwarder } from "#platform/proxy/forward.ts";
import type { Foretell } from "./foretell.ts";
import type { TellOutcome } from "./tell-outcome.ts";

export type FrontOptions = {
  /** Of the webhook function; http. */
  readonly upstream: string;
  /** F4. */
  readonly services: Pick<Services, "get">;
  /** Address of an ArkService's router; http. */
  readonly routerUrl: (service: ServiceName) => string;
  /** Hears of each request to the webhook function. */
  readonly foretell?: Foretell;
  /** Hears of each of its answers. */
  readonly tellOutcome?: TellOutcome;
  /** Answers `/record` itself. */
  readonly record: Front["listener"];
  readonly ready: () => boolean;
  readonly log: Logger;
  readonly silenceMs?: number;
};

export type Front = Disposable & {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** At a port that a service declares: everything is for its router. */
  readonly atPort: (request: IncomingMessage, response: ServerResponse, port: DeclaredPort) => void;
};

export type DeclaredPort = ServiceName & Pick<ServicePort, "protocol">;

/** Longer than the longest sync wait (api 13): 1 h. */
const SILENCE_MS = 65 * 60_000;
const CONNECT_MS = 10_000;
const MAX_SOCKETS = 4_096;
const WEBHOOK_PATHS = /^\/(triggers|runs)(\/|$)/;
const RECORD_PATHS = /^\/record\//;
const SERVICE_PATHS = /^\/services\/([^/]+)\/([^/]+)(\/|$)/;

export function createFront(options: FrontOptions): Front {
  const { foretell, tellOutcome, log, ready, silenceMs = SILENCE_MS } = options;
  const forwarder = createForwarder({ silenceMs, connectMs: CONNECT_MS, maxSockets: MAX_SOCKETS });
  const upstream = new URL(options.upstream);
  const pass = (asked: IncomingMessage, answer: ServerResponse, to: URL) =>
    forwarder.forward(asked, answer, to, (error) => {
      log.warn({ err: error, host: to.host }, "function not reached");
      notReady(answer, "The function cannot be reached.");
    });
  const toWebhook = (pathname: string, asked: IncomingMessage, answer: ServerResponse) => {
    foretell?.(asked, pathname);
    if (tellOutcome !== undefined) answer.once("finish", () => tellOutcome(asked, pathname, answer));
    pass(asked, answer, upstream);
  };
  // F2.
  const record: Front["listener"] = (asked, answer) => {
    answer.setTimeout(silenceMs, () => answer.destroy());
    options.record(asked, answer);
  };
  const toRouter = (service: ServiceName | undefined, asked: IncomingMessage, answer: ServerResponse) => {
    if (service === undefined) return problem(answer, 404, "not-found", "No such path.");
    findRouter(service, options)
      .then((to) => (to === undefined ? unauthorized(answer) : pass(asked, answer, to)))
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) log.error({ err: error }, "service not looked up");
        notReady(answer, "The service cannot be looked up.");
      });
  };
  const isHealth = (pathname: string, answer: ServerResponse): boolean => {
    if (pathname === "/healthz") text(answer, 200, "ok");
    else if (pathname === "/readyz") text(answer, ready() ? 200 : 503, ready() ? "ok" : "not ready");
    else return false;
    return true;
  };
  const listener: Front["listener"] = (asked, answer) => {
    readToken(asked);
    Reflect.deleteProperty(asked.headers, PROTOCOL_HEADER);
    const pathname = pathOf(asked);
    if (isHealth(pathname, answer)) return;
    if (WEBHOOK_PATHS.test(pathname)) return toWebhook(pathname, asked, answer);
    if (RECORD_PATHS.test(pathname)) return record(asked, answer);
    toRouter(serviceIn(pathname), asked, answer);
  };
  const atPort: Front["atPort"] = (asked, answer, { namespace, name, protocol }) => {
    readToken(asked);
    asked.headers[PROTOCOL_HEADER] = protocol;
    // A probe of a load balancer wakes nobody.
    if (!isHealth(pathOf(asked), answer)) toRouter({ namespace, name }, asked, answer);
  };
  return { listener, atPort, [Symbol.dispose]: () => forwarder[Symbol.dispose]() };
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return URL.parse(url, "http://localhost")?.pathname ?? "";
}

/** F6. */
function readToken({ headers }: IncomingMessage): void {
  const { "x-ark-token": token } = headers;
  Reflect.deleteProperty(headers, "x-ark-token");
  if (typeof token === "string" && token !== "") headers.authorization ??= `Bearer ${token}`;
}

type ServiceName = { readonly namespace: string; readonly name: string };

function serviceIn(pathname: string): ServiceName | undefined {
  const [, namespace, name] = SERVICE_PATHS.exec(pathname) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** F4. */
async function findRouter(service: ServiceName, { services, routerUrl }: FrontOptions): Promise<URL | undefined> {
  const { namespace, name } = service;
  if (!DNS_LABEL.test(namespace) || !DNS_LABEL.test(name)) return undefined;
  return (await services.get(namespace, name)) === undefined ? undefined : new URL(routerUrl(service));
}

function notReady(answer: ServerResponse, detail: string): void {
  problem(answer, 503, "not-ready", detail, { "retry-after": "5" });
}

/** As a router answers a wrong token: who has none learns of no service. */
function unauthorized(answer: ServerResponse): void {
  problem(answer, 401, "unauthorized", "Wrong or missing bearer token.", { "www-authenticate": "Bearer" });
}

function text(answer: ServerResponse, status: number, body: string): void {
  answer.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store" }).end(`${body}\n`);
}

function problem(
  answer: ServerResponse,
  status: 401 | 404 | 503,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const instance = pathOf(answer.req);
  const body = JSON.stringify(problemBody({ kind: "problem", status, code, detail }, instance));
  answer.writeHead(status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  answer.end(`${body}\n`);
}
