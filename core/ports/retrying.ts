/** Waits for an unreachable store, with a pause that grows and is spread by chance (D9). */
import type { Sleep } from "#core/agent/ports.ts";
import { StoreUnavailable } from "./record.ts";

export type Attempted<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "stopped" }
  /** Not the store: a bug. */
  | { readonly kind: "failed"; readonly error: unknown };

/** `random`: 0 ≤ x < 1. */
export type Patience = { readonly sleep: Sleep; readonly random: () => number };

const FIRST_MS = 100;
const LONGEST_MS = 2_000;

/** Runs `work` until it does not find the store away. Never rejects. */
export async function retrying<T>(
  work: () => Promise<T>,
  { sleep, random }: Patience,
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
    await sleep(longest * (0.5 + random() / 2), signal);
    if (signal.aborted) return { kind: "stopped" };
    beforeAgain();
  }
}
