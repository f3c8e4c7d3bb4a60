/** Idempotency keys in `ark-idempotency`, remembered for 24 h from their last write (api 13). */
import { createHash } from "node:crypto";
import { BUCKETS } from "#core/events/subjects.ts";
import type { Idempotency, Remembered } from "#core/ports/events.ts";
import { bucket, type Bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

export function idempotency(link: Link): Idempotency {
  const store = bucket<Remembered>(link, BUCKETS.idempotency);
  return {
    get: async (id) => (await store.get(keyOf(id)))?.value,
    claim: (id, value) => claim(store, keyOf(id), value),
    markStored: async (id, value) => {
      await store.put(keyOf(id), value);
    },
  };
}

async function claim(store: Bucket<Remembered>, key: string, value: Remembered): ReturnType<Idempotency["claim"]> {
  for (;;) {
    if ((await store.create(key, value)) !== undefined) return { kind: "claimed" };
    const known = await store.get(key);
    // It may have run out between the two.
    if (known !== undefined) return { kind: "known", value: known.value };
  }
}

/** People choose these keys: any text becomes one token, behind its namespace. */
function keyOf(id: string): string {
  const [namespace = ""] = id.split(".");
  return `${namespace}.${createHash("sha256").update(id).digest("hex")}`;
}
