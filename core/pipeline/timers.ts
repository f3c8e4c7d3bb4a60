/** Names of a run's timers. Each is one subject token; step names are DNS labels and the last two parts numbers. */
import type { AttemptKey } from "#core/events/facts.ts";

export const RUN_TIMEOUT = "run-timeout";

/** `retry`: the backoff before this attempt is over. `attempt`: this attempt has taken too long. */
export type StepTimer = AttemptKey & { readonly kind: "retry" | "attempt" };

export function stepTimer(kind: StepTimer["kind"], key: AttemptKey): string {
  return `${kind}-${key.step}-${key.iteration}-${key.attempt}`;
}

/** Id of the command that sets a timer, and of the fact when it fires. */
export function timerId(uid: string, timer: string): string {
  return `${uid}/timer/${timer}`;
}

const STEP_TIMER = /^(retry|attempt)-(.+)-(\d+)-(\d+)$/;

export function parseStepTimer(timer: string): StepTimer | undefined {
  const [, kind, step, iteration, attempt] = STEP_TIMER.exec(timer) ?? [];
  if (step === undefined || (kind !== "retry" && kind !== "attempt")) return undefined;
  return { kind, step, iteration: Number(iteration), attempt: Number(attempt) };
}
