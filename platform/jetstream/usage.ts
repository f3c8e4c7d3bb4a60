/**
 * Tokens of each agent by the hour, in `ark-budgets` beside its reservations: a tally for people, where a budget is a
 * promise (P6).
 *
 * U1  Concurrent additions all count: written by revision, again where another writer came between.
 * U2  An hour is forgotten once no window reaches back to it.
 */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Usage } from "#core/events/facts.ts";
import { StoreUnavailable, type UsageTally } from "#core/ports/record.ts";
import { bucket } from "./bucket.ts";
import type { Link } from "./link.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;
const KEPT_MS = (HOURS + 2) * HOUR_MS;
const TRIES = 50;
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };

type HourlyUsage = Usage & { readonly hour: number };

export function usageTally(link: Link): UsageTally {
  const store = bucket<HourlyUsage>(link, BUCKETS.budgets);
  return {
    async add({ namespace, agent }, usage, atMs) {
      const hour = Math.floor(atMs / HOUR_MS);
      const key = `usage.${namespace}.${agent}.${hour}`;
      for (let tries = 0; tries < TRIES; tries++) {
        const entry = await store.get(key);
        const sum = { hour, ...plus(entry?.value ?? NOTHING, usage) };
        const stored = await (entry === undefined
          ? store.create(key, sum, KEPT_MS)
          : store.update(key, sum, entry.revision, KEPT_MS));
        if (stored !== undefined) return;
      }
      throw new StoreUnavailable(`${key} is written by too many at once`);
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

function plus(a: Usage, b: Usage): Usage {
  return { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens };
}
