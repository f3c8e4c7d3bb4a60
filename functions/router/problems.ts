/** Every refusal of a router, in one place: status, code, and a sentence that says what to do. Codes as in api 13. */
import type { HttpProblem } from "#platform/http/exchange.ts";

type Extra = { readonly headers?: Record<string, string>; readonly extra?: Record<string, unknown> };

function problem(status: number, code: string, detail: string, more: Extra = {}): HttpProblem {
  return { kind: "problem", status, code, detail, ...more };
}

export const unauthorized = problem(
  401,
  "unauthorized",
  "Send the service's token as `Authorization: Bearer <token>`.",
  { headers: { "www-authenticate": "Bearer" } },
);
export const notReady = problem(503, "not-ready", "The store cannot be reached: nothing was taken.", {
  headers: { "retry-after": "5" },
});
export const slowBody = problem(408, "slow-body", "The body was not complete in time: nothing was taken.");
export const badMode = problem(400, "bad-mode", "`mode` is sync or async.", { extra: { field: "mode" } });
export const idempotencyMismatch = problem(
  422,
  "idempotency-mismatch",
  "This idempotency key was used with another body: nothing was taken.",
);
export const noSuchTask = problem(404, "not-found", "This service has no such task.");

export function notSpoken(protocol: string): HttpProblem {
  return problem(
    404,
    "not-found",
    `This service does not speak ${protocol} here: its spec.ports name another port for it, or none.`,
  );
}

export function badTimeout(field: string): HttpProblem {
  return problem(400, "bad-timeout", `\`${field}\` is a duration from 1s to 1h, such as 60s.`, { extra: { field } });
}

export function tooLarge(maxBytes: number): HttpProblem {
  return problem(413, "too-large", `A body may have ${maxBytes} bytes.`);
}

export function unsupportedMedia(what: string): HttpProblem {
  return problem(415, "unsupported-media", `${what}: send application/json in UTF-8, uncompressed.`);
}

export function badJson(detail: string): HttpProblem {
  return problem(400, "bad-json", detail);
}

export function invalidInput(field: string, detail: string): HttpProblem {
  return problem(400, "invalid-input", detail, { extra: { field } });
}

export function rateLimited(retryAfterSeconds: number): HttpProblem {
  return problem(429, "rate-limited", "Too many requests: nothing was taken.", {
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The task was withdrawn: sending it again pays for it once. */
export function nobodyReady(agent: string, taskID: string): HttpProblem {
  return problem(503, "not-ready", `No instance of agent ${agent} became ready: the task was withdrawn.`, {
    headers: { "retry-after": "10" },
    extra: { taskID },
  });
}

export function timedOut(location: string, taskID: string, durationMs: number): HttpProblem {
  return problem(504, "timeout", "The task goes on: ask for it at Location.", {
    headers: { location },
    extra: { error: "timeout", taskID, durationMs, location },
  });
}
