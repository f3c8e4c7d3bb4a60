/** How long requests take, by route and status (OpenTelemetry HTTP semantic conventions). */
import type { Request, Response } from "express";
import type { Meters } from "#core/ports/meters.ts";

/** What a route could have; a client may send any word. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const OTHER = "_OTHER";
const SERVER_ERROR = 500;

/** Recorded once the answer has ended, or its client has gone: a stream counts in full. `path`: the route's own. */
export function measured(meters: Meters, path: string, { method }: Request, response: Response): void {
  const startedAt = performance.now();
  response.once("close", () => {
    // Nothing was said to a client that went before the answer.
    const status = response.headersSent ? response.statusCode : undefined;
    const failed = status === undefined || status >= SERVER_ERROR;
    meters.record("http.server.request.duration", (performance.now() - startedAt) / 1_000, {
      "http.request.method": METHODS.has(method) ? method : OTHER,
      "http.route": routeOf(path),
      "http.response.status_code": status,
      "error.type": failed ? String(status ?? OTHER) : undefined,
    });
  });
}

/** As documents and spans write it. */
function routeOf(path: string): string {
  return path.replaceAll(":namespace", "{ns}").replaceAll(/:(\w+)/g, "{$1}");
}
