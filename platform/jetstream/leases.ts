/**
 * Lease on one attempt of one step, in `ark-leases`, with a time to live.
 *
 * L1  At most one holder per attempt: taking it is a `create`.
 * L2  A renewal names the last revision; a refused renewal means lost, for good.
 * L3  After a loss the holder publishes nothing and acknowledges nothing (P2).
 * L4  A revoked attempt cannot be taken again while its task might still be delivered.
 */
import { nuid } from "@nats-io/transport-node";
import type { AttemptKey } from "#core/events/facts.ts";
import { BUCKETS } from "#core/events/subjects.ts";
import type { Lease, Leases } from "#core/ports/record.ts";
import { bucket, type Bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

type Held = { readonly holder: string } | { readonly revoked: true };

/** As long as the acknowledgement wait of a task: both end together when a worker dies. */
const LEASE_TTL_MS = 60_000;
const REVOKED_TTL_MS = 24 * 60 * 60_000;

type LeaseOptions = { readonly ttlMs?: number | undefined };

export function leases(link: Link, options: LeaseOptions = {}): Leases {
  const store = bucket<Held>(link, BUCKETS.leases);
  const ttlMs = options.ttlMs ?? LEASE_TTL_MS;
  return {
    take: async (run, attempt) => {
      const key = leaseKey(run, attempt);
      const holder = nuid.next();
      const revision = await store.create(key, { holder }, ttlMs);
      if (revision !== undefined) return hold(store, { key, holder, revision, ttlMs });
      const present = await store.get(key);
      return present !== undefined && "revoked" in present.value ? "revoked" : "held";
    },
    revoke: async (run, attempt) => {
      await store.put(leaseKey(run, attempt), { revoked: true }, REVOKED_TTL_MS);
    },
  };
}

type RunId = Parameters<Leases["take"]>[0];

/** The namespace leads: permissions go by it. */
function leaseKey({ namespace, uid }: RunId, { step, iteration, attempt }: AttemptKey): string {
  return `${namespace}.${uid}.${step}.${iteration}.${attempt}`;
}

type Holding = { readonly key: string; readonly holder: string; readonly revision: number; readonly ttlMs: number };

function hold(store: Bucket<Held>, taken: Holding): Lease {
  const { key, holder, ttlMs } = taken;
  let revision: number | undefined = taken.revision;
  return {
    renew: async () => {
      if (revision === undefined) return "lost";
      const renewed = await store.update(key, { holder }, revision, ttlMs);
      revision = renewed ?? (await adopt(store, taken));
      return revision === undefined ? "lost" : "held";
    },
    release: async () => {
      if (revision !== undefined) await store.remove(key, revision);
      revision = undefined;
    },
  };
}

/** A renewal whose answer got lost was stored all the same: the value says whose it is. */
async function adopt(store: Bucket<Held>, { key, holder, ttlMs }: Holding): Promise<number | undefined> {
  const present = await store.get(key);
  if (present === undefined || !("holder" in present.value) || present.value.holder !== holder) return undefined;
  return await store.update(key, { holder }, present.revision, ttlMs);
}
