/** Errors as `application/problem+json` (RFC 9457, api 13). `type` is an identifier, not a page. */
import type { HttpProblem } from "./exchange.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  413: "Content too large",
  415: "Unsupported media type",
  422: "Unprocessable content",
  429: "Too many requests",
  431: "Request header fields too large",
  500: "Internal error",
  503: "Service unavailable",
  504: "Timeout",
};

export function problemBody(problem: HttpProblem, instance: string): Record<string, unknown> {
  return {
    type: `https://ark.dev/problems/${problem.code}`,
    title: TITLES[problem.status] ?? "Error",
    status: problem.status,
    detail: problem.detail,
    instance,
    code: problem.code,
    ...problem.extra,
  };
}
