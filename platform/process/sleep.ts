import { setTimeout as delay } from "node:timers/promises";
import type { Sleep } from "#core/agent/ports.ts";

/** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
export const sleep: Sleep = async (ms, signal) => {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // Aborted: whoever sleeps looks at the signal.
  }
};
