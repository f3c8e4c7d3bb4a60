import { setTimeout as delay } from "node:timers/promises";
import type { Sleep } from "#core/agent/ports.ts";

/** A longer delay is one of a millisecond to Node: its timers count in 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

/** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
export const sleep: Sleep = async (ms, signal) => {
  try {
    let left = ms;
    for (; left > LONGEST_MS; left -= LONGEST_MS) await delay(LONGEST_MS, undefined, { signal });
    await delay(left, undefined, { signal });
  } catch {
    // Aborted: whoever sleeps looks at the signal.
  }
};
