/** Conditions by the Kubernetes conventions: one per type, `lastTransitionTime` moves with the status alone. */
import type { Condition } from "#core/api/v1alpha1/common.ts";

export type Verdict = { readonly status: Condition["status"]; readonly reason: string; readonly message: string };

export function withCondition(
  existing: readonly Condition[] | undefined,
  type: string,
  verdict: Verdict,
  at: { readonly now: number; readonly generation: number },
): Condition[] {
  const before = existing?.find((one) => one.type === type);
  const moved = before?.status !== verdict.status;
  const condition: Condition = {
    type,
    ...verdict,
    message: verdict.message.slice(0, 1024),
    lastTransitionTime: before === undefined || moved ? time(at.now) : before.lastTransitionTime,
    observedGeneration: at.generation,
  };
  return [...(existing ?? []).filter((one) => one.type !== type), condition];
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
