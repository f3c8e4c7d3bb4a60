/** Full jitter: a random share of an exponentially growing pause, so that callers that failed together spread out. */
const FIRST_MS = 500;
const CAP_MS = 30_000;

/** `tries` counts the tries that failed before, from 0; `random` is 0 ≤ x < 1. */
export function backoffMs(tries: number, random: number): number {
  return Math.round(random * Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(tries, 16)));
}
