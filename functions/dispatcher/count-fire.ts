/**
 * Fires by what became of them.
 *
 * N1  A fire counts as fired once: a delivery that finds some of its runs there starts the rest of a fire that was
 *     counted, and one that finds them all is a duplicate. None is counted where a process dies in between, or where
 *     two deliveries at one moment share its runs among them.
 * N2  What a fire skips or loses counts with each delivery that does so, and with each target that is lost; a try that
 *     another one follows does not.
 * N3  An event of no ArkEvent is no attribute: anybody could make up names.
 */
import type { Meters } from "#core/ports/meters.ts";
import type { DispatcherDeps, FireRecord } from "./deps.ts";

const OTHER = "_OTHER";

/** Tells whoever writes the status, then counts. */
export async function recordFire(fire: FireRecord, deps: DispatcherDeps): Promise<void> {
  await deps.recordFire(fire);
  const outcome = outcomeOf(fire);
  if (outcome !== undefined) count(fire.namespace, fire.event, outcome, deps.meters);
}

/** N3. */
export function countUnknown(namespace: string, { meters }: Pick<DispatcherDeps, "meters">): void {
  count(namespace, OTHER, "dead-lettered", meters);
}

function outcomeOf({ outcome, runs, created }: FireRecord): string | undefined {
  if (outcome === "failed") return undefined;
  if (outcome !== "fired") return outcome;
  if (created === 0) return "duplicate";
  return created === runs.length ? "fired" : undefined;
}

function count(namespace: string, event: string, outcome: string, meters: Meters): void {
  meters.add("ark.event.fires", 1, { "ark.namespace": namespace, "ark.event": event, "ark.outcome": outcome });
}
