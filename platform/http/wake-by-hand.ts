/**
 * Wakes held by whoever publishes work, while nobody else holds any (P8: the operator is away).
 *
 * B1  A hint is asked, and only one that nobody heard is followed by a wake by hand.
 * B2  At most one open wake for each pool and `MOST_OPEN` in all; a hint that comes meanwhile is asked after it.
 * B3  A wake ends with its pool's idleness, and at `LONGEST_MS` with all its tries: it failed, or ended at once.
 * B4  `drain` waits for what is held; after its grace nothing is held any more, and no hint is followed.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#core/ports/log.ts";
import type { WakeAsks, Wakes } from "#core/ports/record.ts";
import { hold } from "./hold.ts";

type PoolName = { readonly namespace: string; readonly agent: string };

export type ByHandDeps = {
  readonly asks: WakeAsks;
  /** Undefined: never woken by hand. */
  readonly addressOf: (pool: PoolName) => string | undefined;
  readonly log: Logger;
  readonly longestMs?: number;
  readonly mostOpen?: number;
};

export type WakesByHand = Wakes & {
  /** B4. */
  drain(graceMs: number): Promise<void>;
};

const LONGEST_MS = 600_000;
const MOST_OPEN = 64;
const PAUSE_MS = { first: 500, most: 30_000 } as const;
/** A pool that has work, or only waits for some, holds longer than this. */
const SHORT_MS = 500;

type Serving = { again: boolean; done: Promise<void> };

export function wakesByHand(deps: ByHandDeps): WakesByHand {
  const { log, longestMs = LONGEST_MS, mostOpen = MOST_OPEN } = deps;
  const stop = new AbortController();
  const pools = new Map<string, Serving>();
  const queue: (() => void)[] = [];
  let open = 0;

  /** B1, B2. */
  const serve = async (key: string, pool: PoolName, url: string | undefined, serving: Serving): Promise<void> => {
    try {
      while (serving.again && !stop.signal.aborted) {
        serving.again = false;
        if ((await deps.asks.ask(pool)) === "nobody" && url !== undefined) await limited(() => insist(pool, url));
      }
    } catch (error) {
      log.error({ ...pool, err: error }, "hint broke");
    } finally {
      // In the same breath as the last look at `again`: no hint falls between the two.
      pools.delete(key);
    }
  };

  const limited = async (work: () => Promise<void>): Promise<void> => {
    if (open >= mostOpen) await new Promise<void>((resolve) => queue.push(resolve));
    else open += 1;
    try {
      await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) open -= 1;
      else next();
    }
  };

  /** B3. */
  const insist = async (pool: PoolName, url: string): Promise<void> => {
    const limit = AbortSignal.timeout(longestMs);
    const signal = AbortSignal.any([stop.signal, limit]);
    for (let pauseMs: number = PAUSE_MS.first; !signal.aborted; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
      const began = performance.now();
      log.info({ ...pool }, "wake held by hand");
      const outcome = await hold(url, signal);
      if (outcome.kind === "ended" && performance.now() - began >= SHORT_MS) return;
      if (signal.aborted) return;
      const reason = outcome.kind === "failed" ? outcome.reason : "ended at once";
      log.warn({ ...pool, reason }, "wake not held");
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || (await deps.asks.ask(pool)) === "heard") return;
    }
  };

  return {
    hint(pool) {
      if (stop.signal.aborted) return;
      const url = deps.addressOf(pool);
      const key = url ?? `${pool.namespace}/${pool.agent}`;
      const known = pools.get(key);
      if (known !== undefined) {
        known.again = true;
        return;
      }
      const serving: Serving = { again: true, done: Promise.resolve() };
      pools.set(key, serving);
      serving.done = serve(key, pool, url, serving);
    },
    async drain(graceMs) {
      const timer = setTimeout(() => stop.abort(), graceMs);
      while (pools.size > 0) await Promise.all([...pools.values()].map(({ done }) => done));
      clearTimeout(timer);
      stop.abort();
    },
  };
}
