/** What the webhook function must know of each ArkEvent, in `ark-triggers`: it needs no Kubernetes access. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { TriggerRecord, Triggers } from "#core/ports/events.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

export function triggers(link: Link): Triggers {
  const store = bucket<TriggerRecord>(link, BUCKETS.triggers);
  return {
    get: async (namespace, name) => (await store.get(`${namespace}.${name}`))?.value,
    put: async (record) => {
      await store.put(`${record.namespace}.${record.name}`, record);
    },
    delete: async (namespace, name) => {
      await store.remove(`${namespace}.${name}`);
    },
  };
}
