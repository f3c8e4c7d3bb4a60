/** Every way a call fails, sorted once: may it pass, and when (style 5). */
import type { APIError } from "openai";
import { retryAfterMs } from "#core/retry-after.ts";
import type { ModelOutcome, ProviderErrorCode } from "#core/agent/ports.ts";

type Failure = Exclude<ModelOutcome, { kind: "answer" }>;

export function retry(code: ProviderErrorCode, reason: string, afterMs?: number): Failure {
  return { kind: "retry", code, reason, ...(afterMs !== undefined && { afterMs }) };
}

export function failed(code: ProviderErrorCode, reason: string): Failure {
  return { kind: "failed", code, reason };
}

/** An answer with an HTTP status, or an error event inside a stream. */
export function providerFailure(error: APIError, now: number): Failure {
  const { status, message } = error;
  if (status === undefined) return streamFailure(error);
  const afterMs = pauseMs(error.headers, now);
  switch (status) {
    case 401:
    case 403:
      return failed("provider.auth", message);
    case 408:
      return retry("provider.timeout", message, afterMs);
    case 409:
      return retry("provider.unavailable", message, afterMs);
    case 429:
      return isSpent(error) ? failed("provider.refused", message) : retry("provider.rate_limited", message, afterMs);
    default:
      return status >= 500 ? retry("provider.unavailable", message, afterMs) : failed("provider.refused", message);
  }
}

/** An account without credit also answers 429, and no waiting mends that. */
function isSpent({ code, type }: APIError): boolean {
  return code === "insufficient_quota" || type === "insufficient_quota" || code === "billing_hard_limit_reached";
}

function streamFailure(error: APIError): Failure {
  const words = `${error.type ?? ""} ${error.code ?? ""}`;
  if (/rate_limit/.test(words)) return retry("provider.rate_limited", error.message);
  return retry("provider.unavailable", error.message);
}

/** Some providers send a form in milliseconds too. */
function pauseMs(headers: Headers | undefined, now: number): number | undefined {
  const millis = Number.parseFloat(headers?.get("retry-after-ms") ?? "");
  if (Number.isFinite(millis)) return Math.max(0, millis);
  return retryAfterMs(headers?.get("retry-after"), now);
}
