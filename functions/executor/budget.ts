/** The agent loop's budget on the store's budgets: reserve, call, settle (P6). */
import type { Budget, Reservation } from "#core/agent/ports.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { type BudgetRef, DAY_MS } from "#core/events/budget.ts";
import type { Budgets } from "#core/ports/record.ts";

/** The run's budgets, which a task brings along, and the agent's own. */
export function budgetsOf(ofRun: readonly BudgetRef[], agent: ResolvedAgent): readonly BudgetRef[] {
  const { namespace, name, limits } = agent;
  return limits.maxDailyTokens === undefined
    ? ofRun
    : [...ofRun, { key: `agent.${namespace}.${name}`, limit: limits.maxDailyTokens, windowMs: DAY_MS }];
}

export type BudgetOptions = {
  readonly budgets: Budgets;
  readonly refs: readonly BudgetRef[];
  readonly now: () => number;
  /** How long a reservation stands when its holder dies (D20). */
  readonly holdMs: number;
  /** Comes again while the store is away; rejects once the task is given up. */
  readonly patiently: <T>(work: () => Promise<T>) => Promise<T>;
};

export function createBudget({ budgets, refs, now, holdMs, patiently }: BudgetOptions): Budget {
  if (refs.length === 0) return UNLIMITED;
  return {
    async reserve({ callId, tokens }): Promise<Reservation> {
      const outcome = await patiently(() => budgets.reserve(refs, callId, tokens, now() + holdMs));
      if (outcome.kind === "refused") {
        const { key, limit, spent } = outcome;
        return { kind: "refused", which: key, reason: refusal(key, { tokens, limit, spent }) };
      }
      return {
        kind: "reserved",
        settle: (usage) => patiently(() => budgets.settle(refs, callId, usage)),
        release: () => patiently(() => budgets.release(refs, callId)),
      };
    },
    settled: (callId, usage) => patiently(() => budgets.settle(refs, callId, usage)),
  };
}

const FIELDS: Readonly<Record<string, string>> = {
  run: "maxTokens",
  team: "limits.maxDailyTokens",
  agent: "limits.maxDailyTokens",
};

/** Names the field and whose it is (P10): a call may stand under several budgets. */
function refusal(
  key: string,
  { tokens, limit, spent }: Readonly<Record<"tokens" | "limit" | "spent", number>>,
): string {
  const [kind = "", , ...name] = key.split(".");
  return `${FIELDS[kind] ?? "the budget"} of ${kind} ${name.join(".")}: ${tokens} tokens more would pass ${limit}; ${spent} are spent`;
}

const nothing = async (): Promise<void> => {};
const UNLIMITED: Budget = {
  reserve: async () => ({ kind: "reserved", settle: nothing, release: nothing }),
  settled: nothing,
};
