/**
 * A run state while one fact is folded into it, and the ends a run can come to.
 *
 * D1  A draft belongs to one fold: what it started from is never changed.
 * D2  All ends of a run go through `endRun`: no step stays open, and there is one reason (E7).
 */
import type { Usage } from "#core/events/facts.ts";
import type { RunFailure, RunPhase, RunState, StepState } from "./state.ts";

export type Draft = {
  readonly before: RunState;
  readonly steps: Record<string, StepState>;
  readonly issued: Record<string, number>;
  phase: RunPhase;
};

export function draftOf(state: RunState): Draft {
  return { before: state, steps: { ...state.steps }, issued: { ...state.issued }, phase: state.phase };
}

export function finished({ before, steps, issued, phase }: Draft): RunState {
  return { ...before, steps, issued, phase };
}

/** Messages are for people; what is longer stands in the record in full (api 4: at most 1 KiB). */
export function short(message: string): string {
  const beginning = message.slice(0, 2 * MESSAGE_CHARS);
  const characters = Array.from(beginning);
  if (beginning.length === message.length && characters.length <= MESSAGE_CHARS) return message;
  return `${characters.slice(0, MESSAGE_CHARS - 1).join("")}…`;
}
/** A character is one unit of UTF-16, or two. */
const MESSAGE_CHARS = 1_000;

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 };

export function add(a: Usage, b: Usage): Usage {
  return { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens };
}

/** Usage of a step so far; turns of the running attempt count while it runs. */
export function usageOf(step: StepState): Usage {
  if (step.phase !== "active") return step.usage;
  return Object.values(step.attempt.turns).reduce(add, step.usage);
}

export function totalUsage(steps: Readonly<Record<string, StepState>>): Usage {
  return Object.values(steps).reduce((sum, step) => add(sum, usageOf(step)), NO_USAGE);
}

/** Fails the run: what runs is cancelled, what waits is skipped (api 11, "Order of a run"). */
export function endRun(draft: Draft, reason: RunFailure, message: string, at: number): void {
  draft.phase = { kind: "failed", endedAt: at, reason, message: short(message) };
  for (const [name, step] of Object.entries(draft.steps)) {
    const closed = closedStep(step, reason, at);
    if (closed !== undefined) draft.steps[name] = closed;
  }
}

function closedStep(step: StepState, reason: RunFailure, endedAt: number): StepState | undefined {
  switch (step.phase) {
    case "pending":
      return { ...step, phase: "skipped", endedAt, message: `not started: the run ended with ${reason}` };
    case "active": {
      const { attempt: _attempt, ...totals } = step;
      const usage = usageOf(step);
      return { ...totals, usage, phase: "cancelled", endedAt, message: `stopped: the run ended with ${reason}` };
    }
    case "backoff": {
      const { next: _next, until: _until, ...totals } = step;
      return { ...totals, phase: "cancelled", endedAt, message: `stopped: the run ended with ${reason}` };
    }
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return undefined;
  }
}
