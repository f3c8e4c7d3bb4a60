/**
 * The one express app factory: routes as data, size and time limits, problem+json, health, and no express type beyond
 * this file.
 *
 * H1  A handler that throws is a bug: it answers 500 without detail, is logged, and costs that request alone.
 * H2  Every answer of every path has `X-Content-Type-Options: nosniff` and `Cache-Control: no-store`.
 * H3  A path that no route has is 404; a path with other methods is 405 with Allow.
 */
import express, { type Express, type Request, type Response } from "express";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import { declaredBytes, readBody } from "./body.ts";
import type { HttpProblem, HttpReply, HttpRequest, Route } from "./exchange.ts";
import { problemBody } from "./problem.ts";
import { writeLines } from "./lines.ts";
import { measured } from "./measured.ts";
import { writeSse } from "./sse.ts";

export type AppOptions = {
  readonly routes: readonly Route[];
  /** Answers `/readyz`; false or a rejection is 503. */
  readonly ready: () => boolean | Promise<boolean>;
  readonly log: Logger;
  /** Measures requests to the routes; health is none of them. */
  readonly meters?: Meters;
  readonly maxBodyBytes?: number;
  readonly bodyTimeoutMs?: number;
  /** Aborts every request still open: the end of the grace. */
  readonly signal?: AbortSignal;
  /** Answer to a path or method that no route has; default: 404, 405. */
  readonly fallback?: (request: HttpRequest) => Promise<HttpReply>;
};

export type App = Express;

const MAX_BODY_BYTES = 1024 * 1024;
const BODY_TIMEOUT_MS = 15_000;

export function createApp(options: AppOptions): App {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false).set("case sensitive routing", true);
  app.use((_request, response, next) => {
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("cache-control", "no-store");
    next();
  });
  app.get("/healthz", (_request, response) => void response.status(200).type("text/plain").send("ok\n"));
  app.get("/readyz", async (_request, response) => {
    const ready = await Promise.resolve()
      .then(options.ready)
      .catch(() => false);
    response.status(ready ? 200 : 503).type("text/plain");
    response.send(ready ? "ok\n" : "not ready\n");
  });
  for (const [path, routes] of byPath(options.routes)) {
    app.all(path, (request, response) => {
      if (options.meters !== undefined) measured(options.meters, routes[0]?.pattern ?? path, request, response);
      const route = routes.find(({ method }) => method === request.method);
      const handle = route?.handle ?? options.fallback ?? (async () => notAllowed(routes));
      return answer(request, response, handle, route?.maxBodyBytes, options);
    });
  }
  app.use((request, response) =>
    answer(request, response, options.fallback ?? (async () => NOT_FOUND), undefined, options),
  );
  app.use(badRequest);
  return app;
}

const NOT_FOUND: HttpProblem = { kind: "problem", status: 404, code: "not-found", detail: "No such path." };

function notAllowed(routes: readonly Route[]): HttpProblem {
  const allow = routes.map(({ method }) => method).join(", ");
  return {
    kind: "problem",
    status: 405,
    code: "method-not-allowed",
    detail: `This path takes ${allow}.`,
    headers: { allow },
  };
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  return paths;
}

async function answer(
  request: Request,
  response: Response,
  handle: Route["handle"],
  maxBodyBytes: number | undefined,
  options: AppOptions,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = options.signal === undefined ? gone.signal : AbortSignal.any([gone.signal, options.signal]);
  const limits = {
    maxBytes: maxBodyBytes ?? options.maxBodyBytes ?? MAX_BODY_BYTES,
    timeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
  };
  try {
    const reply = await handle(asRequest(request, signal, limits));
    await send(request, response, reply, signal);
  } catch (error) {
    if (gone.signal.aborted) return;
    options.log.error({ err: error, method: request.method, route: request.path }, "request failed");
    if (response.headersSent) response.destroy();
    else await send(request, response, INTERNAL, signal);
  }
}

const INTERNAL: HttpProblem = {
  kind: "problem",
  status: 500,
  code: "internal",
  detail: "The request could not be answered.",
};

function asRequest(
  request: Request,
  signal: AbortSignal,
  limits: { maxBytes: number; timeoutMs: number },
): HttpRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  let body: ReturnType<HttpRequest["body"]> | undefined;
  return {
    method: request.method,
    path: request.path,
    params: request.params as Record<string, string>,
    query: new URL(request.originalUrl, "http://localhost").searchParams,
    headers,
    remoteAddress: request.socket.remoteAddress ?? "",
    signal,
    declaredBytes: declaredBytes(request),
    body: () => (body ??= readBody(request, limits)),
  };
}

async function send(request: Request, response: Response, reply: HttpReply, signal: AbortSignal): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  switch (reply.kind) {
    case "sse":
      return writeSse(response, reply.events, signal);
    case "ndjson":
      return writeLines(response, reply.lines, signal);
    case "empty":
      response.status(reply.status).end();
      return;
    case "json":
      response
        .status(reply.status)
        .type("application/json")
        .send(`${JSON.stringify(reply.body)}\n`);
      return;
    case "problem":
      response.status(reply.status).type("application/problem+json");
      response.send(`${JSON.stringify(problemBody(reply, request.path))}\n`);
  }
}

/** Express itself refuses a path that does not decode (`/%zz`). Four parameters make it an error handler. */
function badRequest(_error: unknown, request: Request, response: Response, _next: unknown): void {
  if (response.headersSent) return void response.destroy();
  const reply: HttpProblem = { ...NOT_FOUND, detail: "The path is not a valid one." };
  response
    .status(404)
    .type("application/problem+json")
    .send(`${JSON.stringify(problemBody(reply, request.path))}\n`);
}
