/** What a router must know of its ArkService, in `ark-triggers`: it needs no Kubernetes access. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { ServiceRecord, Services } from "#core/ports/services.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

const EVERY = "*.*.service";

export function services(link: Link): Services {
  const store = bucket<ServiceRecord>(link, BUCKETS.triggers);
  // Names have no dots, so no ArkEvent's own record can have this key.
  const keyOf = (namespace: string, name: string) => `${namespace}.${name}.service`;
  return {
    get: async (namespace, name) => (await store.get(keyOf(namespace, name)))?.value,
    put: async (record) => {
      await store.put(keyOf(record.namespace, record.name), record);
    },
    delete: async (namespace, name) => {
      await store.remove(keyOf(namespace, name));
    },
    async *list() {
      for await (const { value } of store.entries(EVERY)) yield value;
    },
    async *watch(signal) {
      for await (const { key, entry } of store.watch(EVERY, signal)) {
        const [namespace = "", name = ""] = key.split(".");
        yield { namespace, name, record: entry?.value };
      }
    },
  };
}
