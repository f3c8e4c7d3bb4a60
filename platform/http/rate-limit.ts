/**
 * Token buckets by key, in a table that is bounded (E12).
 *
 * R1  Never more than `maxKeys` buckets: full ones (as good as absent) go first, then the least recently used.
 * R2  A refused request takes nothing.
 */
import type { RateLimit, RateVerdict } from "./exchange.ts";

export type RateOptions = {
  readonly perSecond: number;
  readonly burst: number;
  readonly maxKeys: number;
  /** Milliseconds, from any origin, never going back. */
  readonly now: () => number;
};

type Bucket = { tokens: number; at: number };

export function createRateLimit({ perSecond, burst, maxKeys, now }: RateOptions): RateLimit & { size(): number } {
  // Insertion order is order of use: a bucket is put back at the end whenever it is used.
  const buckets = new Map<string, Bucket>();
  const refilled = (bucket: Bucket, at: number) =>
    Math.min(burst, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond);
  const take = (key: string): RateVerdict => {
    const at = now();
    const known = buckets.get(key);
    const tokens = known === undefined ? burst : refilled(known, at);
    const passed = tokens >= 1;
    buckets.delete(key);
    buckets.set(key, { tokens: passed ? tokens - 1 : tokens, at });
    shrink(at);
    return passed
      ? { kind: "passed" }
      : { kind: "refused", retryAfterSeconds: Math.max(1, Math.ceil((1 - tokens) / perSecond)) };
  };
  const shrink = (at: number) => {
    if (buckets.size <= maxKeys) return;
    for (const [key, bucket] of buckets) if (refilled(bucket, at) >= burst) buckets.delete(key);
    for (const key of buckets.keys()) {
      if (buckets.size <= maxKeys) return;
      buckets.delete(key);
    }
  };
  return { take, size: () => buckets.size };
}
