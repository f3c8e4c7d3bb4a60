/** Every refusal of api 13, in one place: status, code, and a sentence that says what to do. */
import type { HttpProblem } from "#platform/http/exchange.ts";

type Extra = { readonly headers?: Record<string, string>; readonly extra?: Record<string, unknown> };

function problem(status: number, code: string, detail: string, more: Extra = {}): HttpProblem {
  return { kind: "problem", status, code, detail, ...more };
}

/** Which gate stopped the fire: whoever passes the answer on may tell it on the ArkEvent. */
export function skipped(reason: "Suspended" | "ConcurrencyForbidden"): Readonly<Record<string, string>> {
  return { "ark-skipped": reason };
}

export const unauthorized = problem(401, "unauthorized", "Send the event's token as `Authorization: Bearer <token>`.", {
  headers: { "www-authenticate": "Bearer" },
});
export const suspended = problem(503, "suspended", "This event is suspended: nothing was fired.", {
  headers: skipped("Suspended"),
});
export const notReady = problem(503, "not-ready", "The event store cannot be reached: nothing was fired.", {
  headers: { "retry-after": "5" },
});
export const slowBody = problem(408, "slow-body", "The body was not complete in time: nothing was fired.");
export const badMode = problem(400, "bad-mode", "`mode` is async, sync or sse.", { extra: { field: "mode" } });

export function badTimeout(field: string): HttpProblem {
  return problem(400, "bad-timeout", `\`${field}\` is a duration from 1s to 1h, such as 60s.`, { extra: { field } });
}

export function tooLarge(maxBytes: number): HttpProblem {
  return problem(413, "too-large", `A body may have ${maxBytes} bytes.`);
}

export function unsupportedMedia(what: string): HttpProblem {
  return problem(415, "unsupported-media", `${what}: send application/json or a CloudEvent, in UTF-8, uncompressed.`);
}

export function badJson(detail: string): HttpProblem {
  return problem(400, "bad-json", detail);
}

export function invalidInput(field: string, detail: string): HttpProblem {
  return problem(400, "invalid-input", detail, { extra: { field } });
}

export function rateLimited(retryAfterSeconds: number): HttpProblem {
  return problem(429, "rate-limited", "Too many requests: nothing was fired.", {
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export const idempotencyMismatch = problem(
  422,
  "idempotency-mismatch",
  "This idempotency key was used with another body: nothing was fired.",
);

export function concurrencyForbidden(runs: readonly string[]): HttpProblem {
  const [runName] = runs;
  return problem(409, "concurrency-forbidden", FORBIDDEN, {
    headers: skipped("ConcurrencyForbidden"),
    extra: runName === undefined ? {} : { runName },
  });
}

export const FORBIDDEN = "A run of this event has not ended, and its concurrencyPolicy is Forbid: nothing was fired.";

export function timedOut(namespace: string, runs: readonly string[], durationMs: number): HttpProblem {
  const [runName = ""] = runs;
  const location = runLocation(namespace, runName);
  return problem(504, "timeout", "The run goes on: ask for it at Location.", {
    headers: { location },
    extra: { error: "timeout", runName, ...(runs.length > 1 ? { runs } : {}), durationMs, location },
  });
}

export function runLocation(namespace: string, run: string): string {
  return `/runs/${namespace}/${run}`;
}
