/**
 * `concurrencyPolicy: Forbid` is one atomic claim per ArkEvent, held until the runs of its fire have ended (D47).
 * The collector gives it back run by run; here it is given back for runs that never begin, and for those that ended
 * before this delivery of their fire took the claim once more.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { DispatcherDeps } from "./deps.ts";

export type Claim = "free" | "claimed" | "mine" | "held";

export async function claimForbid(
  event: ArkEvent,
  key: string,
  runs: readonly string[],
  deps: Pick<DispatcherDeps, "locks">,
): Promise<Claim> {
  return event.spec.concurrencyPolicy === "Forbid" ? deps.locks.claim(lockId(event), key, runs) : "free";
}

/** `never`: runs that this fire does not start after all. */
export async function giveBack(
  event: ArkEvent,
  claim: Claim,
  runs: readonly string[],
  never: readonly string[],
  deps: Pick<DispatcherDeps, "locks" | "states">,
): Promise<void> {
  if (claim === "free" || claim === "held") return;
  const namespace = event.metadata.namespace ?? "";
  for (const run of runs) {
    const known = claim === "claimed" ? await deps.states.get({ namespace, run }) : undefined;
    const ended = known !== undefined && known.state.phase.kind !== "running";
    if (ended || never.includes(run)) await deps.locks.release(lockId(event), run);
  }
}

function lockId(event: ArkEvent): string {
  return `${event.metadata.namespace}.${event.metadata.name}`;
}
