/** Budgets in `ark-budgets`: books of `budget-ledger.ts`, changed by revision, all of a call's budgets or none. */
import { delay } from "@nats-io/transport-node";
import { BUCKETS } from "#core/events/subjects.ts";
import type { BudgetRef } from "#core/events/budget.ts";
import { StoreUnavailable, type Budgets } from "#core/ports/record.ts";
import { bucket, type Bucket } from "./bucket.ts";
import { EMPTY, release, reserve, settle, type Ledger } from "./budget-ledger.ts";
import type { Link } from "./link.ts";
import { RECORD_AGE_MS } from "./streams.ts";

/** Many writers of one budget come to an end well below this. */
const MAX_TRIES = 200;
const RETRY_MS = 5;

type Now = () => number;
type Refused = { readonly kind: "refused"; readonly key: string; readonly limit: number; readonly spent: number };

export function budgets(link: Link, now: Now = Date.now): Budgets {
  const store = bucket<Ledger>(link, BUCKETS.budgets);
  const each = (refs: readonly BudgetRef[], change: (ledger: Ledger, ref: BudgetRef) => Ledger) =>
    Promise.all(refs.map((ref) => rewrite(store, ref, (ledger) => change(ledger, ref))));
  return {
    reserve: async (refs, id, tokens, expiresAt) => {
      const held: BudgetRef[] = [];
      for (const ref of refs) {
        const refused = await reserveOne(store, ref, { id, tokens, expiresAt, now });
        if (refused !== undefined) {
          await each(held, (ledger) => release(ledger, id));
          return refused;
        }
        held.push(ref);
      }
      return { kind: "reserved" };
    },
    settle: async (refs, id, usage) => {
      const tokens = usage.inputTokens + usage.outputTokens;
      await each(refs, (ledger, { windowMs }) => settle(ledger, { id, tokens, windowMs, now: now() }));
    },
    release: async (refs, id) => {
      await each(refs, (ledger) => release(ledger, id));
    },
  };
}

async function reserveOne(
  store: Bucket<Ledger>,
  ref: BudgetRef,
  wish: { readonly id: string; readonly tokens: number; readonly expiresAt: number; readonly now: Now },
): Promise<Refused | undefined> {
  let refused: Refused | undefined;
  await rewrite(store, ref, (ledger) => {
    const { limit, key, windowMs } = ref;
    const outcome = reserve(ledger, { ...wish, limit, windowMs, now: wish.now() });
    refused = outcome.kind === "refused" ? { kind: "refused", key, limit, spent: outcome.spent } : undefined;
    return outcome.kind === "refused" ? ledger : outcome.ledger;
  });
  return refused;
}

/** Reads, changes and writes until no other writer came between; a change that changes nothing writes nothing. */
async function rewrite(store: Bucket<Ledger>, ref: BudgetRef, change: (ledger: Ledger) => Ledger): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const entry = await store.get(ref.key);
    const before = entry?.value ?? EMPTY;
    const after = change(before);
    if (after === before) return;
    // Books live as long as anything can still refer to them.
    const ttlMs = ref.windowMs === undefined ? RECORD_AGE_MS : ref.windowMs * 2;
    const written =
      entry === undefined
        ? await store.create(ref.key, after, ttlMs)
        : await store.update(ref.key, after, entry.revision, ttlMs);
    if (written !== undefined) return;
    await delay(Math.random() * RETRY_MS * Math.min(tries, 10));
  }
  throw new StoreUnavailable(`budget ${ref.key}: too many writers at once`);
}
