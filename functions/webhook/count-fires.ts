/**
 * Fires that end at this door, by what became of them; the dispatcher counts the others.
 *
 * N1  Only after authentication: nobody makes up names.
 */
import type { Meters } from "#core/ports/meters.ts";
import type { TriggerRecord } from "#core/ports/events.ts";

export function countFires(
  { namespace, name }: TriggerRecord,
  outcome: "skipped" | "duplicate",
  count: number,
  { meters }: { readonly meters: Pick<Meters, "add"> },
): void {
  if (count === 0) return;
  meters.add("ark.event.fires", count, { "ark.namespace": namespace, "ark.event": name, "ark.outcome": outcome });
}
