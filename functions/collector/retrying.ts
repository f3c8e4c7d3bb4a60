/** Waits for an unreachable store, with a pause that grows and is spread by chance (D9). */
import { setTimeout as delay } from "node:timers/promises";
import { StoreUnavailable } from "#core/ports/record.ts";

export type Attempted<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "stopped" }
  /** Not the store: a bug. */
  | { readonly kind: "failed"; readonly error: unknown };

const FIRST_MS = 100;
const LONGEST_MS = 2_000;

/** Runs `work` until it does not find the store away. Never rejects. */
export async function retrying<T>(
  work: () => Promise<T>,
  { random }: { readonly random: () => number },
  signal: AbortSignal,
  beforeAgain: () => void = () => {},
): Promise<Attempted<T>> {
  for (let tries = 0; ; tries += 1) {
    try {
      return { kind: "done", value: await work() };
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) return { kind: "failed", error };
    }
    const longest = Math.min(FIRST_MS * 2 ** tries, LONGEST_MS);
    if (!(await pause(longest * (0.5 + random() / 2), signal))) return { kind: "stopped" };
    beforeAgain();
  }
}

/** False when `signal` ended the pause. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
