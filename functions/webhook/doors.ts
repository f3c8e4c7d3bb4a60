/** What stands before everything else: rate, then authentication (W1). */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { TriggerRecord } from "#core/ports/events.ts";
import type { HttpProblem, HttpRequest } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";
import { rateLimited } from "./problems.ts";

/** Undefined where the request may pass. `key` names what is asked for. */
export function overRate(key: string, deps: WebhookDeps): HttpProblem | undefined {
  for (const verdict of [deps.rate.total.take(""), deps.rate.perEvent.take(key)]) {
    if (verdict.kind === "refused") return rateLimited(verdict.retryAfterSeconds);
  }
  return undefined;
}

/** Undefined for a wrong token, an unknown event and an event of another type alike. */
export async function authenticate(request: HttpRequest, deps: WebhookDeps): Promise<TriggerRecord | undefined> {
  const { namespace = "", name = "" } = request.params;
  const named = DNS_LABEL.test(namespace) && DNS_LABEL.test(name);
  const known = named ? await deps.triggers.get(namespace, name) : undefined;
  const digest = known?.type === "webhook" ? known.tokenDigest : undefined;
  return deps.authorized(request.headers["authorization"], digest) ? known : undefined;
}
