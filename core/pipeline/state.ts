/**
 * The state of a run: the fold of its facts, plus which commands went out. JSON as it stands, so that it can be kept
 * in `ark-runs` and rebuilt from `ARK_FACTS` at any time.
 *
 * S1  Its size does not grow with outputs: they are `Text`, by reference above 32 KiB.
 * S2  A terminal run never changes again (P4, api 4 "A terminal run is final").
 */
import type { ContextPolicy, Validation } from "#core/api/v1alpha1/ark-team.ts";
import type { AttemptKey, ParentRef, RunRequested, StepResult, Usage } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";

/** What every step keeps, whatever its phase. */
export type StepTotals = {
  /** Usage of all finished attempts of all iterations. */
  readonly usage: Usage;
  readonly iterations: number;
  readonly validationAttempts: number;
  readonly validationMessage?: string;
  readonly startedAt?: number;
  /** Result of the newest successful iteration; a loop's condition and next inputs read it. */
  readonly result?: StepResult;
  readonly child?: string;
};

export type Attempt = {
  readonly iteration: number;
  readonly attempt: number;
  readonly queuedAt: number;
  /** When an executor took it; absent while it waits for one. */
  readonly takenAt?: number;
  /** Answers of this iteration that validation refused; the other tries before `attempt` were errors. */
  readonly refusals: number;
  /** Usage of recorded turns by turn, until the attempt finishes and reports the sum. */
  readonly turns: Readonly<Record<string, Usage>>;
  readonly earlier?: { readonly answer: Text; readonly reason: string };
};

export type StepState =
  | (StepTotals & { readonly phase: "pending" })
  | (StepTotals & { readonly phase: "active"; readonly attempt: Attempt })
  | (StepTotals & {
      readonly phase: "backoff";
      readonly next: Attempt;
      /** Absent in a state that an earlier version stored. */
      readonly since?: number;
      readonly until: number;
      readonly message: string;
    })
  | (StepTotals & { readonly phase: "succeeded"; readonly attempts: number; readonly endedAt: number })
  | (StepTotals & {
      readonly phase: "failed";
      readonly attempts: number;
      readonly endedAt: number;
      readonly code: string;
      readonly message: string;
    })
  | (StepTotals & { readonly phase: "skipped" | "cancelled"; readonly endedAt: number; readonly message: string });

export type RunPhase =
  | { readonly kind: "running" }
  | { readonly kind: "succeeded"; readonly endedAt: number; readonly output: Text }
  | { readonly kind: "failed"; readonly endedAt: number; readonly reason: RunFailure; readonly message: string };

/** Reasons of condition Succeeded=False (api 4). */
export type RunFailure =
  | "StepFailed"
  | "TimedOut"
  | "BudgetExceeded"
  | "InvalidInput"
  | "InvalidDAG"
  | "InvalidTemplate"
  | "TeamNotFound"
  | "AgentNotFound"
  | "AgentFailed"
  | "OutputError"
  | "Cancelled";

export type RunState = Omit<RunRequested, "kind" | "at" | "carried"> & {
  readonly version: 1;
  readonly startedAt: number;
  readonly phase: RunPhase;
  readonly steps: Readonly<Record<string, StepState>>;
  /** Commands that went out, by id; for a task the sequence it was stored under, so that it can be taken back. */
  readonly issued: Readonly<Record<string, number>>;
};

/** What the shell carries out. Ids are deterministic: carrying one out twice is harmless by construction. */
export type Command =
  | {
      readonly kind: "task";
      readonly id: string;
      readonly key: AttemptKey;
      readonly agent: string;
      readonly task: TaskDraft;
    }
  | {
      readonly kind: "child";
      readonly id: string;
      readonly key: AttemptKey;
      readonly team: string;
      readonly run: string;
      readonly input: Readonly<Record<string, string>>;
    }
  /** An attempt whose prompt cannot be made: its end goes into the record, as an executor's would. */
  | {
      readonly kind: "give-up";
      readonly id: string;
      readonly key: AttemptKey;
      readonly failure: { readonly code: string; readonly message: string };
    }
  | { readonly kind: "set-timer"; readonly id: string; readonly timer: string; readonly at: number }
  | { readonly kind: "clear-timer"; readonly id: string; readonly timer: string }
  | {
      readonly kind: "cancel-task";
      readonly id: string;
      readonly key: AttemptKey;
      readonly agent: string;
      readonly taskSeq: number;
    }
  | { readonly kind: "cancel-child"; readonly id: string; readonly run: string }
  /** The run's rendered output is above the inline limit: `text` goes into `ark-outputs`, where it gets `digest`. */
  | { readonly kind: "store-output"; readonly id: string; readonly digest: string; readonly text: string }
  | {
      readonly kind: "emit";
      readonly id: string;
      readonly type: "dev.ark.run.started" | "dev.ark.run.waiting" | "dev.ark.run.succeeded" | "dev.ark.run.failed";
    }
  /** Tell the run that started this one how it ended. */
  | { readonly kind: "report"; readonly id: string; readonly parent: ParentRef };

/** A task as the engine decides it; the shell stores long text and adds what it alone knows. */
export type TaskDraft = {
  readonly prompt: string;
  readonly timeoutMs?: number;
  readonly outputSchema?: string;
  readonly validate?: Validation;
  readonly contextPolicy?: ContextPolicy;
  readonly earlier?: { readonly answer: Text; readonly reason: string };
};
