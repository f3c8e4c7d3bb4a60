/**
 * How long somebody who makes no progress tries again.
 *
 * P1  Pauses grow, each of a random length: readers whose streams broke together come back apart.
 * P2  Progress forgets them all. So does a stream that held for a while: a quiet run tells nothing for hours.
 * P3  It ends: after `GIVE_UP_MS` without progress there is no further try.
 */
import { backoffMs } from "#core/agent/backoff.ts";

export type Pace = {
  /** Milliseconds, from any origin, never going back. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** Resolves early when the signal aborts; never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type Patience = {
  readonly progress: () => void;
  /** P2. A stream begins; it holds until the next `again`. */
  readonly opened: () => void;
  /** P1, P3. Waits for the next try; false when there is none. */
  readonly again: (signal: AbortSignal) => Promise<boolean>;
};

export const GIVE_UP_MS = 60_000;
const FIRST_MS = 250;
const HELD_MS = 10_000;

export function createPatience({ now, random, wait }: Pace): Patience {
  let tries = 0;
  let fruitlessSince = now();
  let openedAt = Number.POSITIVE_INFINITY;
  const progress = () => {
    tries = 0;
    fruitlessSince = now();
  };
  return {
    progress,
    opened: () => void (openedAt = now()),
    again: async (signal) => {
      if (now() - openedAt >= HELD_MS) progress();
      openedAt = Number.POSITIVE_INFINITY;
      if (now() - fruitlessSince >= GIVE_UP_MS) return false;
      await wait(FIRST_MS + backoffMs(tries, random()), signal);
      tries += 1;
      return true;
    },
  };
}
