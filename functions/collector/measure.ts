/**
 * What a fact counts: how it changed its run.
 *
 * N1  Whoever stored a change counts it, after the state is stored by its revision: a fact that comes again changes
 *     nothing and counts nothing. A collector that dies between the two, or never hears that it did store, counts none.
 * N2  A run that is rebuilt from its record counts no fact again but the one it is rebuilt for; carried results were
 *     counted by the run that paid.
 */
import type { Fact } from "#core/events/facts.ts";
import type { RunState, StepState } from "#core/pipeline/state.ts";
import type { Meters } from "#core/ports/meters.ts";

export type Change = {
  /** Undefined, or of another run that had this name: the run begins. */
  readonly before: RunState | undefined;
  readonly after: RunState | undefined;
  readonly fact: Fact;
};

type Active = Extract<StepState, { phase: "active" }>;
type Ended = Extract<StepState, { endedAt: number }>;

export function countChange({ before: earlier, after, fact }: Change, meters: Meters): void {
  if (after === undefined) return;
  const before = earlier?.uid === after.uid ? earlier : undefined;
  countRun(before, after, meters);
  for (const [name, was] of Object.entries(before?.steps ?? {})) {
    const is = after.steps[name];
    if (is === undefined || is === was) continue;
    countStep({ was, is, fact, attributes: { ...teamOf(after), "ark.role": roleOf(after, name) } }, meters);
  }
}

function countRun(before: RunState | undefined, { phase, ...after }: RunState, meters: Meters): void {
  if (phase.kind === "running" || (before !== undefined && before.phase.kind !== "running")) return;
  meters.record("ark.run.duration", seconds(after.startedAt, phase.endedAt), {
    ...teamOf(after),
    "ark.outcome": phase.kind === "succeeded" ? "succeeded" : phase.reason,
  });
}

type StepChange = {
  readonly was: StepState;
  readonly is: StepState;
  readonly fact: Fact;
  readonly attributes: ReturnType<typeof teamOf> & { readonly "ark.role": string | undefined };
};

function countStep({ was, is, fact, attributes }: StepChange, meters: Meters): void {
  if (was.phase === "active" && isTaken(was, is)) {
    const { queuedAt, takenAt = queuedAt } = is.attempt;
    meters.record("ark.step.queue_wait", seconds(queuedAt, takenAt), attributes);
  }
  if (was.phase === "active" && !isSameAttempt(was, is)) {
    meters.add("ark.step.attempts", 1, { ...attributes, "ark.outcome": attemptOutcome(is, fact) });
  }
  // A step that never began has no duration.
  if (isEnded(was) || !isEnded(is) || is.startedAt === undefined) return;
  meters.record("ark.step.duration", seconds(is.startedAt, is.endedAt), { ...attributes, "ark.outcome": is.phase });
}

function isTaken(was: Active, is: StepState): is is Active {
  return isSameAttempt(was, is) && was.attempt.takenAt === undefined && is.attempt.takenAt !== undefined;
}

function isSameAttempt({ attempt }: Active, is: StepState): is is Active {
  return is.phase === "active" && is.attempt.iteration === attempt.iteration && is.attempt.attempt === attempt.attempt;
}

function isEnded(step: StepState): step is Ended {
  return "endedAt" in step;
}

/** Of the attempt that this fact ended; what another step's end, a cancel or the run's own time ended was cancelled. */
function attemptOutcome(is: StepState, fact: Fact): string {
  if (is.phase === "cancelled") return "cancelled";
  if (fact.kind === "timer") return "timed-out";
  if (fact.kind !== "step.finished") return "cancelled";
  return fact.outcome.kind === "done" ? "succeeded" : fact.outcome.kind;
}

function teamOf({ namespace, spec }: Pick<RunState, "namespace" | "spec">) {
  return { "ark.namespace": namespace, "ark.team": spec.teamRef };
}

/** A run of one agent has no roles. */
function roleOf({ spec }: RunState, step: string): string | undefined {
  return spec.pipeline?.find(({ name, role }) => (name ?? role) === step)?.role;
}

/** Two processes may have said when; a clock that is behind measures nothing. */
function seconds(from: number, to: number): number {
  return Math.max(0, to - from) / 1_000;
}
