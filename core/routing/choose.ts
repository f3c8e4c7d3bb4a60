/**
 * Which instance a task is meant for (api 5, D42). Pure: what was chosen before and the throw of dice are parameters.
 *
 * R1  Only ready instances are chosen; where none is, nobody is.
 * R2  round-robin: over any set that stays the same, counts differ by one at most.
 * R3  least-busy: nobody with fewer tasks is passed over; those with equally many take turns.
 * R4  random: every instance has the same chance.
 */
import type { Strategy } from "#core/api/v1alpha1/ark-service.ts";

export type Candidate = { readonly instance: string; readonly ready: boolean; readonly load: number };

/** `last`: who was chosen before, by this strategy. `dice`: 0 ≤ x < 1. */
export function choose(
  strategy: Strategy,
  candidates: readonly Candidate[],
  last: string | undefined,
  dice: number,
): string | undefined {
  const ready = candidates.filter((one) => one.ready);
  switch (strategy) {
    case "round-robin":
      return inTurn(ready, last);
    case "least-busy": {
      const least = Math.min(...ready.map(({ load }) => load));
      return inTurn(
        ready.filter(({ load }) => load === least),
        last,
      );
    }
    case "random":
      return ready[Math.floor(dice * ready.length)]?.instance;
  }
}

/** The next one by name, so that instances that come and go do not shift the turns of those that stay. */
function inTurn(candidates: readonly Candidate[], last: string | undefined): string | undefined {
  const names = candidates.map(({ instance }) => instance).toSorted();
  return names.find((name) => last === undefined || name > last) ?? names[0];
}
