/** What the renderers show of a run: the few things people look at, with times in milliseconds. */

export type StepView = {
  readonly name: string;
  /** As in `status.steps[].phase`. */
  readonly phase: string;
  readonly tokens: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly message?: string;
  readonly output?: string;
  readonly attempts?: number;
  readonly iterations?: number;
};

export type RunView = {
  readonly name: string;
  readonly namespace: string;
  /** Team or agent that runs. */
  readonly of: string;
  readonly phase: string;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly tokens: number;
  readonly output?: string;
  /** Set where `output` is the beginning of so many bytes. */
  readonly outputBytes?: number;
  readonly steps: readonly StepView[];
};

export function isEnded(run: RunView): boolean {
  return run.phase === "Succeeded" || run.phase === "Failed";
}

/** Wall clock of a run or step so far; 0 before it started. */
export function durationOf(of: { readonly startedAt?: number; readonly endedAt?: number }, now: number): number {
  return of.startedAt === undefined ? 0 : Math.max(0, (of.endedAt ?? now) - of.startedAt);
}
