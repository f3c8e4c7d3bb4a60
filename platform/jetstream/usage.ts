/**
 * Tokens of each agent by the hour, in `ark-budgets` beside its reservations: a tally for people, where a budget is a
 * promise (P6).
 *
 * U1  Concurrent additions all count: written by revision, again where another writer came between.
 * U2  An hour is forgotten once no window reaches back to it.
 * U3  A process has one write of an hour under way; what is added meanwhile goes with the next one. All calls of an
 *     agent add to the same key: each by itself would be written again for each of the others.
 */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Usage } from "#core/events/facts.ts";
import { StoreUnavailable, type UsageTally } from "#core/ports/record.ts";
import { bucket, type Bucket, type Entry } from "./bucket.ts";
import type { Link } from "./link.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;
const KEPT_MS = (HOURS + 2) * HOUR_MS;
const TRIES = 50;
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };

type HourlyUsage = Usage & { readonly hour: number };
type Write = { sum: HourlyUsage; readonly stored: Promise<void> };
/** What this process stored last of each agent: most often still what is there. */
type Known = Map<string, Entry<HourlyUsage>>;

export function usageTally(link: Link): UsageTally {
  const store = bucket<HourlyUsage>(link, BUCKETS.budgets);
  const waiting = new Map<string, Write>();
  const underWay = new Map<string, Promise<void>>();
  const known: Known = new Map();

  /** U3. Resolves once what it added is stored. */
  const add = (agent: string, usage: HourlyUsage): Promise<void> => {
    const key = `${agent}.${usage.hour}`;
    const joined = waiting.get(key);
    if (joined !== undefined) {
      joined.sum = { ...joined.sum, ...plus(joined.sum, usage) };
      return joined.stored;
    }
    const before = underWay.get(key) ?? Promise.resolve();
    const stored = before.then(() => {
      waiting.delete(key);
      return write(store, known, agent, own.sum);
    });
    const own: Write = { sum: usage, stored };
    waiting.set(key, own);
    const settled: Promise<void> = stored
      .catch(() => {})
      .finally(() => {
        if (underWay.get(key) === settled) underWay.delete(key);
      });
    underWay.set(key, settled);
    return stored;
  };

  return {
    add: ({ namespace, agent }, usage, atMs) => {
      const hour = Math.floor(atMs / HOUR_MS);
      return add(`usage.${namespace}.${agent}`, { hour, ...usage });
    },
    async last24h({ namespace, agent }, nowMs) {
      const first = Math.floor(nowMs / HOUR_MS) - HOURS + 1;
      let sum = NOTHING;
      for await (const { value } of store.entries(`usage.${namespace}.${agent}.*`))
        if (value.hour >= first) sum = plus(sum, value);
      return sum;
    },
  };
}

/** U1. */
async function write(store: Bucket<HourlyUsage>, known: Known, agent: string, added: HourlyUsage): Promise<void> {
  const { hour } = added;
  const key = `${agent}.${hour}`;
  const last = known.get(agent);
  let entry = last?.value.hour === hour ? last : await store.get(key);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const value = { hour, ...plus(entry?.value ?? NOTHING, added) };
    const revision = await (entry === undefined
      ? store.create(key, value, KEPT_MS)
      : store.update(key, value, entry.revision, KEPT_MS));
    if (revision !== undefined) return void known.set(agent, { value, revision });
    entry = await store.get(key);
  }
  throw new StoreUnavailable(`${key} is written by too many at once`);
}

function plus(a: Usage, b: Usage): Usage {
  return { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens };
}
