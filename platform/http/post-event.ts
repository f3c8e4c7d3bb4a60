/** Posts one CloudEvent in binary mode, with a limit of time; the answer's body is not read. */
import { innermostReason } from "#core/causes.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { toBinaryMessage } from "./cloud-events.ts";

export type PostOutcome = { readonly kind: "accepted" } | { readonly kind: "failed"; readonly reason: string };

/** Never rejects. */
export async function postEvent(
  url: string,
  event: CloudEventRecord,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<PostOutcome> {
  try {
    const { headers, body } = toBinaryMessage(event);
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
    await response.body?.cancel();
    return response.ok ? { kind: "accepted" } : { kind: "failed", reason: `HTTP ${response.status}` };
  } catch (error) {
    return { kind: "failed", reason: innermostReason(error) };
  }
}
