/**
 * Waits for runs to end. Any process may wait for any run, and again: nothing about waiting is kept in memory (D37).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RunState } from "#core/pipeline/state.ts";
import { StoreUnavailable, type RunName } from "#core/ports/record.ts";
import type { WebhookDeps } from "./deps.ts";

const AGAIN_MS = 500;

/** The newest state seen: terminal, or whatever it was when `signal` ended the wait. Waits out a store that is away. */
export async function waitForEnd(
  run: RunName,
  deps: Pick<WebhookDeps, "states">,
  signal: AbortSignal,
): Promise<RunState | undefined> {
  let newest: RunState | undefined;
  while (!signal.aborted) {
    try {
      for await (const state of deps.states.watch(run, signal)) {
        newest = state;
        if (state.phase.kind !== "running") return state;
      }
    } catch (error) {
      if (signal.aborted) return newest;
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    await delay(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
  return newest;
}
