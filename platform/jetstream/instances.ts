/** Who is awake, in `ark-instances`: each instance speaks for itself, and is forgotten when it falls silent. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Announcements, Instance, Instances, Pool } from "#core/ports/services.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

/** Three times the pause between two announcements. */
const TTL_MS = 15_000;

export function instances(link: Link): Instances & Announcements {
  const store = bucket<Instance>(link, BUCKETS.instances);
  const keyOf = ({ namespace, agent }: Pool, instance: string) => `${namespace}.${agent}.${instance}`;
  return {
    list: async (pool) => {
      const found: Instance[] = [];
      for await (const { value } of store.entries(keyOf(pool, "*"))) found.push(value);
      return found;
    },
    announce: async (pool, instance) => {
      await store.put(keyOf(pool, instance.instance), instance, TTL_MS);
    },
    leave: async (pool, instance) => {
      await store.remove(keyOf(pool, instance));
    },
  };
}
