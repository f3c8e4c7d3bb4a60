/** Forbid: one claim per ArkEvent in `ark-locks`, an atomic create, never list-then-create (D47). */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Locks } from "#core/ports/events.ts";
import { bucket, type Bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

type Claim = { readonly holder: string; readonly runs: readonly string[] };

export function locks(link: Link): Locks {
  const store = bucket<Claim>(link, BUCKETS.locks);
  return {
    claim: async (id, holder, runs) => {
      if ((await store.create(id, { holder, runs })) !== undefined) return "claimed";
      return (await store.get(id))?.value.holder === holder ? "mine" : "held";
    },
    holder: async (id) => (await store.get(id))?.value,
    release: (id, run) => release(store, id, run),
  };
}

async function release(store: Bucket<Claim>, id: string, run: string): Promise<void> {
  for (;;) {
    const claim = await store.get(id);
    if (claim === undefined || !claim.value.runs.includes(run)) return;
    const runs = claim.value.runs.filter((other) => other !== run);
    const done =
      runs.length === 0
        ? await store.remove(id, claim.revision)
        : (await store.update(id, { ...claim.value, runs }, claim.revision)) !== undefined;
    if (done) return;
  }
}
