/**
 * Waits for a run. Any process may wait for any run, and again: nothing about waiting is kept in memory (D37). A store
 * that is away meanwhile is waited out (P8).
 */
import type { Sleep } from "#core/agent/ports.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { type RunName, type RunStates, StoreUnavailable } from "./record.ts";

export type FollowDeps = { readonly states: Pick<RunStates, "watch">; readonly sleep: Sleep };

const AGAIN_MS = 500;

/** States until the last one, or `signal`. */
export async function* followRun(
  run: RunName,
  { states, sleep }: FollowDeps,
  signal: AbortSignal,
): AsyncGenerator<RunState, void, undefined> {
  while (!signal.aborted) {
    try {
      for await (const state of states.watch(run, signal)) {
        yield state;
        if (hasEnded(state)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    await sleep(AGAIN_MS, signal);
  }
}

/** The last state, or the newest one when `signal` ended the wait; undefined where none was seen. */
export async function endOfRun(run: RunName, deps: FollowDeps, signal: AbortSignal): Promise<RunState | undefined> {
  let newest: RunState | undefined;
  for await (const state of followRun(run, deps, signal)) newest = state;
  return newest;
}

export function hasEnded({ phase }: Pick<RunState, "phase">): boolean {
  return phase.kind !== "running";
}
