/** Waits for a task's run. Any router of the service may wait for any of its tasks. */
import type { RunState } from "#core/pipeline/state.ts";
import { followRun, hasEnded } from "#core/ports/follow-run.ts";
import type { RunName } from "#core/ports/record.ts";
import type { RouterDeps } from "./deps.ts";

export type Waited =
  | { readonly kind: "ended"; readonly state: RunState }
  | { readonly kind: "waiting"; readonly state: RunState | undefined }
  /** Nobody took the task: it was withdrawn, and ends as a cancelled run. */
  | { readonly kind: "withdrawn" };

/**
 * Until the run ends or `signal`. `wakeMs`: how long nobody may take it before it is withdrawn; absent: for ever.
 */
export async function waitForEnd(
  run: RunName,
  deps: Pick<RouterDeps, "states" | "sleep" | "facts" | "now">,
  signal: AbortSignal,
  wakeMs?: number,
): Promise<Waited> {
  if (wakeMs !== undefined) {
    const asleep = AbortSignal.timeout(wakeMs);
    const seen = await until(isTaken, run, deps, AbortSignal.any([signal, asleep]));
    if (!seen.held && asleep.aborted) {
      // A run that has not begun cannot be withdrawn: its beginning is waited for.
      const { state } = seen.state === undefined ? await until(() => true, run, deps, signal) : seen;
      if (state !== undefined && !isTaken(state)) return withdraw(state, deps);
    }
  }
  const { held, state } = await until(hasEnded, run, deps, signal);
  return held && state !== undefined ? { kind: "ended", state } : { kind: "waiting", state };
}

type Seen = { readonly held: boolean; readonly state: RunState | undefined };

async function until(
  holds: (state: RunState) => boolean,
  run: RunName,
  deps: Pick<RouterDeps, "states" | "sleep">,
  signal: AbortSignal,
): Promise<Seen> {
  let newest: RunState | undefined;
  for await (const state of followRun(run, deps, signal)) {
    newest = state;
    if (holds(state)) return { held: true, state };
  }
  return { held: false, state: newest };
}

async function withdraw(state: RunState, deps: Pick<RouterDeps, "facts" | "now">): Promise<Waited> {
  await cancel(state, "no instance of the agent became ready in time", deps);
  return { kind: "withdrawn" };
}

export async function cancel(
  { namespace, run, uid }: RunState,
  message: string,
  deps: Pick<RouterDeps, "facts" | "now">,
): Promise<void> {
  await deps.facts.publish({ namespace, run, uid }, { kind: "run.cancel", at: deps.now(), message });
}

/** An instance works on it, or has. */
export function isTaken(state: RunState): boolean {
  if (hasEnded(state)) return true;
  return Object.values(state.steps).some((step) =>
    step.phase === "active" ? step.attempt.takenAt !== undefined : step.phase !== "pending",
  );
}
