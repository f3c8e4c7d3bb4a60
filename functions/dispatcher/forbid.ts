/**
 * `concurrencyPolicy: Forbid` is one atomic claim per ArkEvent, held until the runs of its fire have ended (D47).
 * The collector gives it back run by run; here it is given back for runs that never begin, and for those that ended
 * before this delivery of their fire took the claim once more, be they still there or let go.
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

type Claimed = {
  readonly runs: readonly string[];
  /** Runs that this fire does not start after all. */
  readonly never: readonly string[];
  /** Runs that an earlier delivery started: a claim that could be taken once more, they have given back. */
  readonly earlier: readonly string[];
};

export async function giveBack(
  event: ArkEvent,
  claim: Claim,
  { runs, never, earlier }: Claimed,
  deps: Pick<DispatcherDeps, "locks" | "states">,
): Promise<void> {
  if (claim === "free" || claim === "held") return;
  const hasEnded = async (run: string): Promise<boolean> => {
    const known = await deps.states.get({ namespace: event.metadata.namespace ?? "", run });
    return known !== undefined && known.state.phase.kind !== "running";
  };
  for (const run of runs) {
    const over = claim === "claimed" && (earlier.includes(run) || (await hasEnded(run)));
    if (over || never.includes(run)) await deps.locks.release(lockId(event), run);
  }
}

function lockId(event: ArkEvent): string {
  return `${event.metadata.namespace}.${event.metadata.name}`;
}
