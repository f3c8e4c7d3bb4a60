/**
 * The port that people's webhooks reach: streams each request to the sleeping webhook function, and its answer back.
 *
 * F1  Nothing is judged here but the path: size, rate and token are the function's (api 13).
 * F2  Either side that goes away ends the other. Both have a limit of silence.
 * F3  A function that cannot be reached is 503 with Retry-After: nothing was fired.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { Logger } from "#core/ports/log.ts";

export type FrontOptions = {
  /** Of the webhook function; http. */
  readonly upstream: string;
  readonly ready: () => boolean;
  readonly log: Logger;
  readonly silenceMs?: number;
};

export type Front = Disposable & { readonly listener: (request: IncomingMessage, response: ServerResponse) => void };

/** Longer than the longest sync wait (api 13): 1 h. */
const SILENCE_MS = 65 * 60_000;
const MAX_SOCKETS = 4_096;
const PATHS = /^\/(triggers|runs)(\/|$)/;
/** RFC 9110, 7.6.1: of one connection, not of the message. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function createFront(options: FrontOptions): Front {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, timeout: options.silenceMs ?? SILENCE_MS });
  const upstream = new URL(options.upstream);
  return {
    listener: (asked, answer) => {
      const { pathname } = new URL(asked.url ?? "/", "http://localhost");
      if (pathname === "/healthz") return text(answer, 200, "ok");
      if (pathname === "/readyz")
        return text(answer, options.ready() ? 200 : 503, options.ready() ? "ok" : "not ready");
      if (!PATHS.test(pathname)) return problem(answer, 404, "not-found", "No such path.");
      forward(asked, answer, { ...options, agent, upstream });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

type Way = Omit<FrontOptions, "upstream"> & { readonly agent: Agent; readonly upstream: URL };

function forward(asked: IncomingMessage, answer: ServerResponse, way: Way): void {
  const { upstream, agent, log } = way;
  const sent = request(
    {
      agent,
      host: upstream.hostname,
      port: upstream.port === "" ? 80 : upstream.port,
      method: asked.method,
      path: asked.url,
      headers: forwarded(asked, upstream.host),
      timeout: way.silenceMs ?? SILENCE_MS,
    },
    (response) => {
      answer.writeHead(response.statusCode ?? 502, endToEnd(response.headers));
      answer.flushHeaders();
      pipeline(response, answer, (error) => {
        if (error !== undefined && error !== null) log.debug({ err: error }, "answer cut short");
      });
    },
  );
  sent.on("timeout", () => sent.destroy(new Error("silent")));
  sent.on("error", (error) => {
    if (answer.headersSent || answer.destroyed) return void answer.destroy();
    log.warn({ err: error }, "webhook function not reached");
    asked.unpipe(sent);
    problem(answer, 503, "not-ready", "The webhook function cannot be reached.", { "retry-after": "5" });
  });
  answer.on("close", () => {
    if (!answer.writableFinished) sent.destroy();
  });
  asked.on("error", () => sent.destroy());
  asked.pipe(sent);
}

/** A Knative function is found by its Host. */
function forwarded(asked: IncomingMessage, host: string): IncomingHttpHeaders {
  const before = asked.headers["x-forwarded-for"];
  const from = [...(before === undefined ? [] : [before].flat()), asked.socket.remoteAddress ?? ""].join(", ");
  return {
    ...endToEnd(asked.headers),
    host,
    "x-forwarded-for": from,
    ...(asked.headers.host !== undefined && { "x-forwarded-host": asked.headers.host }),
  };
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name));
  // A body of unknown length goes on in chunks.
  const chunked = headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": "chunked" };
  return { ...Object.fromEntries(kept), ...chunked };
}

function text(answer: ServerResponse, status: number, body: string): void {
  answer.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store" }).end(`${body}\n`);
}

function problem(
  answer: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const title = status === 404 ? "Not found" : "Service unavailable";
  const body = JSON.stringify({ type: `https://ark.dev/problems/${code}`, title, status, detail, code });
  answer.writeHead(status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  answer.end(`${body}\n`);
}
