/**
 * Folds one fact into a run's state.
 *
 * E1  Total and pure: time is the fact's, chance derives from ids. A fact folded twice changes nothing.
 * E2  Facts of different steps commute; a fact of an attempt that is over changes nothing (P2).
 * E3  A fact of an attempt that has not begun is early: what it builds on is on its way.
 * E4  A terminal run is final (S2).
 */
import type {
  AttemptKey,
  Fact,
  RunRefused,
  StepFinished,
  StepStarted,
  StepTurn,
  TimerFired,
} from "#core/events/facts.ts";
import { advanced } from "./advance.ts";
import { endRun, type Draft } from "./draft.ts";
import type { Graph, PlannedStep } from "./graph.ts";
import { expireAttempt, finishAttempt, startRetry } from "./outcomes.ts";
import type { Outputs } from "./render.ts";
import type { Attempt, RunFailure, RunState, StepState } from "./state.ts";
import { parseStepTimer, RUN_TIMEOUT, timerId, type StepTimer } from "./timers.ts";

export type Evolved =
  | { readonly kind: "changed"; readonly state: RunState }
  | { readonly kind: "same" }
  | { readonly kind: "early" };

const SAME: Evolved = { kind: "same" };
const EARLY: Evolved = { kind: "early" };

/** `outputs` holds what `neededOutputs(graph, state, fact)` named. */
export function evolve(graph: Graph, state: RunState, fact: Fact, outputs: Outputs): Evolved {
  if (state.phase.kind !== "running") return SAME;
  const change = (apply: (draft: Draft) => void): Evolved => {
    return { kind: "changed", state: advanced(graph, state, outputs, apply) };
  };
  switch (fact.kind) {
    case "run.requested":
      return SAME;
    case "run.refused":
      return change((draft) => endRun(draft, reasonOf(fact), fact.message, fact.at));
    case "run.cancel":
      return change((draft) => endRun(draft, "Cancelled", fact.message, fact.at));
    case "timer":
      return evolveTimer(graph, state, fact, change);
    case "step.started":
    case "step.turn":
      return evolveProgress(state, fact);
    case "step.finished":
      return evolveFinished(graph, state, fact, outputs, change);
  }
}

type Change = (apply: (draft: Draft) => void) => Evolved;

const REFUSALS: ReadonlySet<string> = new Set<RunFailure>([
  "BudgetExceeded",
  "InvalidInput",
  "InvalidDAG",
  "InvalidTemplate",
  "TeamNotFound",
  "AgentNotFound",
]);

function reasonOf({ reason }: RunRefused): RunFailure {
  return REFUSALS.has(reason) ? (reason as RunFailure) : "InvalidDAG";
}

/** Where a step stands compared with an attempt: that attempt is over, is the running one, or is still to come. */
function place(step: StepState | undefined, key: AttemptKey): "past" | "now" | "future" {
  if (step?.phase === "pending") return "future";
  if (step?.phase === "active") {
    const order = orderOf(step.attempt, key);
    if (order === 0) return "now";
    return order > 0 ? "past" : "future";
  }
  return step?.phase === "backoff" && orderOf(step.next, key) <= 0 ? "future" : "past";
}

/** Above 0: the attempt of `key` comes before `attempt`. */
function orderOf(attempt: Attempt, key: AttemptKey): number {
  return attempt.iteration - key.iteration || attempt.attempt - key.attempt;
}

/** Starts and turns touch their own step alone, so nothing else moves. */
function evolveProgress(state: RunState, fact: StepStarted | StepTurn): Evolved {
  const step = state.steps[fact.step];
  const where = place(step, fact);
  if (where === "future") return EARLY;
  if (where === "past" || step?.phase !== "active") return SAME;
  const attempt = progressed(step.attempt, fact);
  if (attempt === undefined) return SAME;
  return { kind: "changed", state: { ...state, steps: { ...state.steps, [fact.step]: { ...step, attempt } } } };
}

function progressed(attempt: Attempt, fact: StepStarted | StepTurn): Attempt | undefined {
  if (fact.kind === "step.started") return attempt.takenAt === undefined ? { ...attempt, takenAt: fact.at } : undefined;
  if (Object.hasOwn(attempt.turns, fact.turn)) return undefined;
  return { ...attempt, turns: { ...attempt.turns, [fact.turn]: fact.usage } };
}

function evolveFinished(graph: Graph, state: RunState, fact: StepFinished, outputs: Outputs, change: Change): Evolved {
  const planned = graph.byName.get(fact.step);
  const step = state.steps[fact.step];
  const where = place(step, fact);
  if (where === "future") return EARLY;
  if (where === "past" || planned === undefined || step?.phase !== "active") return SAME;
  return change((draft) => finishAttempt(planned, step, fact, draft, { graph, state, outputs }));
}

function evolveTimer(graph: Graph, state: RunState, fact: TimerFired, change: Change): Evolved {
  if (fact.timer === RUN_TIMEOUT) {
    const message = `the run did not end within ${state.spec.timeoutSeconds} s`;
    return change((draft) => {
      delete draft.issued[timerId(state.uid, RUN_TIMEOUT)];
      endRun(draft, "TimedOut", message, fact.at);
    });
  }
  const timer = parseStepTimer(fact.timer);
  const planned = timer && graph.byName.get(timer.step);
  if (timer === undefined || planned === undefined) return SAME;
  return timer.kind === "retry"
    ? retryDue(state, timer, fact, change)
    : attemptDue(state, planned, timer, fact, change);
}

function retryDue(state: RunState, timer: StepTimer, fact: TimerFired, change: Change): Evolved {
  const step = state.steps[timer.step];
  if (step?.phase !== "backoff") return place(step, timer) === "future" ? EARLY : SAME;
  const order = orderOf(step.next, timer);
  if (order !== 0) return order > 0 ? SAME : EARLY;
  return change((draft) => startRetry(timer.step, step, fact, draft));
}

/** The executor ends an attempt at its timeout itself; this is for one that vanished with it (P4). */
function attemptDue(
  state: RunState,
  planned: PlannedStep,
  timer: StepTimer,
  fact: TimerFired,
  change: Change,
): Evolved {
  const step = state.steps[timer.step];
  const where = place(step, timer);
  if (where === "future") return EARLY;
  if (where === "past" || step?.phase !== "active") return SAME;
  return change((draft) => expireAttempt(planned, step, fact, draft));
}
