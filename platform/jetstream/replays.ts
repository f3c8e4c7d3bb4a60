/** Requests to replay dead letters, in `ark-triggers` beside the record of each ArkEvent. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { ReplayRecord, Replays } from "#core/ports/events.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

export function replays(link: Link): Replays {
  const store = bucket<ReplayRecord>(link, BUCKETS.triggers);
  // Names have no dots, so no ArkEvent's own record can have this key.
  const keyOf = (namespace: string, event: string) => `${namespace}.${event}.replay`;
  return {
    get: async (namespace, event) => {
      const entry = await store.get(keyOf(namespace, event));
      return entry === undefined ? undefined : { record: entry.value, revision: entry.revision };
    },
    put: async (namespace, event, record, revision) => {
      const key = keyOf(namespace, event);
      const stored = await (revision === 0 ? store.create(key, record) : store.update(key, record, revision));
      return stored === undefined ? "conflict" : "stored";
    },
    delete: async (namespace, event) => {
      await store.remove(keyOf(namespace, event));
    },
  };
}
