/**
 * Whether this agent may take a task, by its own validator prompt (D26).
 *
 * Y1  One question at a time and one per interval, however many slots ask.
 * Y2  Only an answer that is not HEALTHY makes unready: a model that cannot be reached says so in the task itself.
 */
import { askReadiness, isProbeDue } from "#core/agent/readiness.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { budgetsOf, createBudget } from "./budget.ts";
import type { ExecutorDeps } from "./deps.ts";
import { retrying } from "#core/ports/retrying.ts";

export type Probe = {
  /** Asks where it is due. Never rejects. */
  ready(signal: AbortSignal): Promise<boolean>;
};

const HOLD_MS = 120_000;

/** `declared`: the agent's own probe; without one it is always ready, and nothing is loaded to know it. */
export function createProbe(deps: ExecutorDeps, declared: ResolvedAgent["probe"]): Probe {
  if (declared === undefined) return { ready: async () => true };
  const { intervalMs, validatorPrompt } = declared;
  let healthy = true;
  let askedAt: number | undefined;
  let asking: Promise<void> | undefined;

  const ask = async (signal: AbortSignal): Promise<void> => {
    try {
      if (!isProbeDue(intervalMs, askedAt, deps.now())) return;
      askedAt = deps.now();
      const { agent, model } = await deps.runtime();
      const budget = createBudget({
        budgets: deps.budgets,
        refs: budgetsOf([], agent),
        now: deps.now,
        holdMs: HOLD_MS,
        patiently: async (work) => {
          const outcome = await retrying(work, deps, signal);
          if (outcome.kind === "done") return outcome.value;
          throw outcome.kind === "failed" ? outcome.error : new Error("stopped");
        },
      });
      const id = `${agent.namespace}/${agent.name}/probe/${deps.instance}/${askedAt}`;
      const said = await askReadiness(agent, validatorPrompt, id, { model, budget }, signal);
      if (said.kind !== "unknown") healthy = said.kind === "healthy";
      deps.log.info({ agent: agent.name, probe: said.kind }, "agent asked for its readiness");
    } catch (error) {
      if (!signal.aborted) deps.log.warn({ err: error }, "agent could not be asked for its readiness");
    }
  };

  return {
    async ready(signal) {
      asking ??= ask(signal).finally(() => (asking = undefined));
      await asking;
      return healthy;
    },
  };
}
