/**
 * Facts: what happened in a run, in the order JetStream stored it. A run is the fold of its facts
 * (design: "the record"); nothing else is ever read to know what a run did.
 *
 * F1  A fact has one identity (`factId`) and is stored at most once under it (P2).
 * F2  Facts of different steps are independent: folding them in any order ends alike.
 * F3  A fact never holds a secret (P7), and no text above `INLINE_LIMIT_BYTES`: longer text goes by reference.
 */
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { BudgetRef } from "./budget.ts";
import type { Text } from "./text.ts";

export type Usage = { readonly inputTokens: number; readonly outputTokens: number };

/** One execution of one step: `iteration` counts loop rounds, `attempt` the tries of that round; both from 0. */
export type AttemptKey = { readonly step: string; readonly iteration: number; readonly attempt: number };

/** Where a nested run reports to. */
export type ParentRef = AttemptKey & {
  readonly namespace: string;
  readonly run: string;
  readonly uid: string;
  /** Budgets of the runs above: what is spent below counts against them too (api 2, `arkTeam`). */
  readonly budgets?: readonly BudgetRef[];
};

/** What a step that succeeded leaves to those after it. */
export type StepResult = {
  readonly output: Text;
  readonly json?: Text;
  readonly context?: Text;
  /** Why the contextPolicy found nothing: readers get the whole output. */
  readonly contextMissed?: string;
};

/** What one attempt came to. `mayPass`: another attempt may succeed (429, 5xx, reset). */
export type StepOutcome =
  | (StepResult & { readonly kind: "done" })
  | {
      readonly kind: "invalid";
      readonly code: string;
      readonly message: string;
      readonly answer: Text;
      readonly retryable: boolean;
    }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly mayPass: boolean;
      readonly afterMs?: number;
    }
  | { readonly kind: "refused"; readonly code: "budget.exceeded"; readonly message: string };

/** The ArkService that took a run's task, the instance it is meant for, and the client's own name of the conversation. */
export type Via = { readonly service: string; readonly instance?: string; readonly session?: string };

export type RunRequested = {
  readonly kind: "run.requested";
  readonly at: number;
  readonly namespace: string;
  readonly run: string;
  readonly uid: string;
  /** Of the ArkRun as it was announced: its spec never changes after. */
  readonly generation?: number;
  readonly spec: ArkRunSpec;
  /** ArkEvent that started it; absent for runs made by hand. */
  readonly event?: string;
  readonly parent?: ParentRef;
  readonly via?: Via;
  /** Nesting: 0 for a run that no other run started. */
  readonly depth: number;
  /** Length of the chain of team-output events that led here. */
  readonly hop: number;
  readonly traceparent?: string;
  /** Results that an earlier run already has: `ark retry` takes them over instead of paying again. */
  readonly carried?: Readonly<Record<string, StepResult>>;
};

/** Refused before the first model call: bad input, an impossible graph, a missing team. */
export type RunRefused = {
  readonly kind: "run.refused";
  readonly at: number;
  readonly reason: string;
  readonly message: string;
};
export type RunCancel = { readonly kind: "run.cancel"; readonly at: number; readonly message: string };
export type StepStarted = AttemptKey & {
  readonly kind: "step.started";
  readonly at: number;
  readonly instance: string;
};
/** One recorded model call or one recorded set of tool results; the paid-for work (P3). */
export type StepTurn = AttemptKey & {
  readonly kind: "step.turn";
  readonly at: number;
  readonly turn: number;
  readonly usage: Usage;
  readonly model: string;
  /** A `RecordedTurn` of `core/agent/ports.ts` as JSON. */
  readonly record: Text;
};
export type StepFinished = AttemptKey & {
  readonly kind: "step.finished";
  readonly at: number;
  readonly outcome: StepOutcome;
  /** All turns of this attempt; absent when whoever reports cannot know (a dead-lettered task). */
  readonly usage?: Usage;
  /** Set when the step was a nested run. */
  readonly child?: string;
};
export type TimerFired = { readonly kind: "timer"; readonly at: number; readonly timer: string };

export type Fact = RunRequested | RunRefused | RunCancel | StepStarted | StepTurn | StepFinished | TimerFired;

/** Deterministic message id, unique in the stream: `<run uid>/<step>/<iteration>/<attempt>/<what>` (design 3). */
export function factId(uid: string, fact: Fact): string {
  switch (fact.kind) {
    case "run.requested":
    case "run.refused":
    case "run.cancel":
      return `${uid}/${fact.kind}`;
    case "timer":
      return `${uid}/timer/${fact.timer}`;
    case "step.turn":
      return `${attemptId(uid, fact)}/turn/${fact.turn}`;
    case "step.started":
      return `${attemptId(uid, fact)}/started`;
    case "step.finished":
      return `${attemptId(uid, fact)}/finished`;
  }
}

export function attemptId(uid: string, key: AttemptKey): string {
  return `${uid}/${key.step}/${key.iteration}/${key.attempt}`;
}
