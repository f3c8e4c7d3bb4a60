import { setTimeout as delay } from "node:timers/promises";
import type { Sleep } from "#core/agent/ports.ts";
import { LONGEST_TIMER_MS } from "#core/duration.ts";

/** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
export const sleep: Sleep = async (ms, signal) => {
  try {
    let left = ms;
    for (; left > LONGEST_TIMER_MS; left -= LONGEST_TIMER_MS) await delay(LONGEST_TIMER_MS, undefined, { signal });
    await delay(left, undefined, { signal });
  } catch {
    // Aborted: whoever sleeps looks at the signal.
  }
};
