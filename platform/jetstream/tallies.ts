/** Tallies of fires, in `ark-triggers` beside the record of each ArkEvent. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { FireTallies, FireTally } from "#core/ports/events.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

export function tallies(link: Link): FireTallies {
  const store = bucket<FireTally>(link, BUCKETS.triggers);
  // Names have no dots, so no ArkEvent's own record can have this key.
  const keyOf = (namespace: string, event: string) => `${namespace}.${event}.fires`;
  return {
    get: async (namespace, event) => {
      const entry = await store.get(keyOf(namespace, event));
      return entry === undefined ? undefined : { tally: entry.value, revision: entry.revision };
    },
    put: async (namespace, event, tally, revision) => {
      const key = keyOf(namespace, event);
      const stored = await (revision === 0 ? store.create(key, tally) : store.update(key, tally, revision));
      return stored === undefined ? "conflict" : "stored";
    },
    delete: async (namespace, event) => {
      await store.remove(keyOf(namespace, event));
    },
  };
}
