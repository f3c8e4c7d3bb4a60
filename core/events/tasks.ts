/** A task: one attempt of one step, addressed to one agent. CloudEvent type `dev.ark.step.task`. */
import type { ContextPolicy, Validation } from "#core/api/v1alpha1/ark-team.ts";
import type { BudgetRef } from "./budget.ts";
import type { AttemptKey } from "./facts.ts";
import type { Text } from "./text.ts";

export type Task = AttemptKey & {
  readonly namespace: string;
  readonly run: string;
  readonly uid: string;
  readonly agent: string;
  readonly prompt: Text;
  /** Absent: the agent's own `limits.timeoutSeconds`. */
  readonly timeoutMs?: number;
  /** JSON text in declared key order. */
  readonly outputSchema?: string;
  readonly validate?: Validation;
  readonly contextPolicy?: ContextPolicy;
  /** The answer a validation refused, and why: a further attempt is told both. */
  readonly earlier?: { readonly answer: Text; readonly reason: string };
  readonly budgets: readonly BudgetRef[];
  /** The instance that a router chose; another one that pulls the task hands it over while that one has room. */
  readonly prefer?: string;
  readonly traceparent?: string;
};
