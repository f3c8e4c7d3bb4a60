/** Runs that were started lately, in `ark-idempotency` beside the keys of webhooks. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Starts } from "#core/ports/events.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

/** Eight retries of a Trigger take nine minutes, each with its own patience. */
const REMEMBERED_MS = 20 * 60_000;

type Run = { readonly namespace: string; readonly name: string };

export function starts(link: Link): Starts {
  const store = bucket<true>(link, BUCKETS.idempotency);
  // Digests of webhooks' keys have one token after the namespace, so none can be this one.
  const keyOf = ({ namespace, name }: Run) => `${namespace}.${name}.started`;
  return {
    has: async (run) => (await store.get(keyOf(run))) !== undefined,
    add: async (run) => void (await store.put(keyOf(run), true, REMEMBERED_MS)),
  };
}
