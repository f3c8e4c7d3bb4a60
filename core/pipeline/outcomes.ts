/**
 * What the outcome of an attempt does to its step: the next iteration, a further attempt, or its end.
 *
 * O1  Usage of every attempt counts, whatever became of it (D18, E9).
 * O2  Validation retries and error retries are counted apart, anew in each iteration; budget refusals are neither.
 * O3  `mayPass` alone decides whether an error is tried again; the provider's own delay wins over jitter.
 */
import { attemptId, type StepFinished, type StepOutcome, type TimerFired } from "#core/events/facts.ts";
import { isTruthyText } from "#core/template/truth.ts";
import { failStep, runIteration, totalsOf } from "./advance.ts";
import { backoffMs } from "./chance.ts";
import { add, NO_USAGE, short, type Draft } from "./draft.ts";
import type { PlannedStep } from "./graph.ts";
import { render, type View } from "./render.ts";
import type { Attempt, StepState } from "./state.ts";
import { timerId } from "./timers.ts";

type Active = Extract<StepState, { phase: "active" }>;
type Outcome<K extends StepOutcome["kind"]> = Extract<StepOutcome, { kind: K }>;

/** The attempt of `fact` is the running one. */
export function finishAttempt(step: PlannedStep, active: Active, fact: StepFinished, draft: Draft, view: View): void {
  const key = { step: step.name, iteration: fact.iteration, attempt: fact.attempt };
  delete draft.issued[attemptId(draft.before.uid, key)];
  const spent = spend(active, fact);
  draft.steps[step.name] = spent;
  const { outcome, at } = fact;
  switch (outcome.kind) {
    case "done":
      return succeed(step, spent, outcome, at, draft, view);
    case "invalid":
      return refuseAnswer(step, spent, outcome, at, draft);
    case "failed":
      return failOrRetry(step, spent, outcome, at, draft);
    case "refused":
      return failStep(step, outcome, at, draft);
  }
}

/** The reported sum replaces the turns; a reporter that cannot know leaves the turns standing. */
function spend(active: Active, fact: Pick<StepFinished, "usage" | "child">): Active {
  const usage = fact.usage ?? Object.values(active.attempt.turns).reduce(add, NO_USAGE);
  return {
    ...active,
    usage: add(active.usage, usage),
    attempt: { ...active.attempt, turns: {} },
    ...(fact.child !== undefined && { child: fact.child }),
  };
}

function succeed(
  step: PlannedStep,
  active: Active,
  { kind: _done, ...result }: Outcome<"done">,
  at: number,
  draft: Draft,
  view: View,
): void {
  const done: Active = { ...active, result };
  draft.steps[step.name] = done;
  const here: View = { ...view, state: { ...view.state, steps: draft.steps } };
  const { iteration, attempt } = active.attempt;
  if (step.loop !== undefined) {
    const rendered = render(step.loop.condition, step, here);
    if (rendered.kind === "failed") return failStep(step, rendered, at, draft);
    const again = isTruthyText(rendered.text) && iteration < step.loop.maxIterations;
    if (again) return runIteration(step, iteration + 1, at, draft, here);
  }
  draft.steps[step.name] = { ...totalsOf(done), phase: "succeeded", attempts: attempt + 1, endedAt: at };
}

function refuseAnswer(
  step: PlannedStep,
  active: Active,
  { code, message, answer, retryable }: Outcome<"invalid">,
  at: number,
  draft: Draft,
): void {
  const { attempt } = active;
  const told: Active = {
    ...active,
    validationAttempts: active.validationAttempts + 1,
    validationMessage: short(message),
  };
  draft.steps[step.name] = told;
  const maxRetries = step.validate?.onFailure === "retry" && retryable ? step.validate.maxRetries : 0;
  if (attempt.refusals >= maxRetries) return failStep(step, { code, message }, at, draft);
  const next = nextAttempt(attempt, at);
  const earlier = { answer, reason: short(message) };
  // At once: the next prompt is another one, so there is nothing to wait for.
  draft.steps[step.name] = { ...told, attempt: { ...next, refusals: attempt.refusals + 1, earlier } };
}

/** Whatever a provider asks for: a far date in the state is no date to any reader. */
const LONGEST_WAIT_MS = 30 * 24 * 3_600_000;

export type AttemptError = Pick<Outcome<"failed">, "code" | "message" | "mayPass" | "afterMs">;

export function failOrRetry(step: PlannedStep, active: Active, error: AttemptError, at: number, draft: Draft): void {
  const { attempt } = active;
  const errors = attempt.attempt - attempt.refusals;
  if (!error.mayPass || errors >= step.retry.limit) return failStep(step, error, at, draft);
  const next = nextAttempt(attempt, at);
  const id = attemptId(draft.before.uid, { step: step.name, ...next });
  const until = at + Math.min(error.afterMs ?? backoffMs(step.retry, errors + 1, id), LONGEST_WAIT_MS);
  const message = short(error.message);
  draft.steps[step.name] = { ...totalsOf(active), phase: "backoff", next, since: at, until, message };
}

/** `earlier` stays: an error in between takes nothing from what a validation said. */
function nextAttempt(attempt: Attempt, queuedAt: number): Attempt {
  const { iteration, refusals, earlier } = attempt;
  return {
    iteration,
    attempt: attempt.attempt + 1,
    refusals,
    queuedAt,
    turns: {},
    ...(earlier !== undefined && { earlier }),
  };
}

/** Nothing came in time. The attempt's task is taken back by `decide`, which finds it issued and no longer running. */
export function expireAttempt(step: PlannedStep, active: Active, fact: TimerFired, draft: Draft): void {
  delete draft.issued[timerId(draft.before.uid, fact.timer)];
  const message = `no result within ${(step.timeoutMs ?? 0) / 1000} s`;
  const spent = spend(active, {});
  draft.steps[step.name] = spent;
  failOrRetry(step, spent, { code: "step.timeout", message, mayPass: true }, fact.at, draft);
}

/** The backoff is over. */
export function startRetry(
  name: string,
  step: Extract<StepState, { phase: "backoff" }>,
  fact: TimerFired,
  draft: Draft,
): void {
  delete draft.issued[timerId(draft.before.uid, fact.timer)];
  draft.steps[name] = { ...totalsOf(step), phase: "active", attempt: { ...step.next, queuedAt: fact.at } };
}
