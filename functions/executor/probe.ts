/**
 * Whether this agent may take a task, by its own validator prompt (D26).
 *
 * Y1  One question per interval for all instances, however many slots ask: whoever finds no verdict asks, the others
 *     go by what it is told.
 * Y2  Only an answer that is not HEALTHY makes unready: a model that cannot be reached says so in the task itself.
 * Y3  A store that is away is no verdict: the earlier one stands, and nothing is asked that nobody could share.
 * Y4  Another question (agent, model, prompt, probe) is asked anew; a verdict on the earlier one says nothing of it.
 * Y5  While another instance asks, whoever knows a verdict goes on by it; whoever knows none waits.
 */
import type { Budget } from "#core/agent/ports.ts";
import { askReadiness } from "#core/agent/readiness.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import type { ProbeTurn, Verdict } from "#core/ports/probes.ts";
import { retrying } from "#core/ports/retrying.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { budgetsOf, createBudget } from "./budget.ts";
import type { ExecutorDeps } from "./deps.ts";
import { countDenial, measuredModel } from "./measure.ts";

export type Probe = {
  /** Asks where it is due. Never rejects. */
  ready(signal: AbortSignal): Promise<boolean>;
};

type ProbeDeps = Pick<
  ExecutorDeps,
  "probes" | "budgets" | "usage" | "runtime" | "heartbeatMs" | "now" | "random" | "sleep" | "meters" | "log"
>;

const HOLD_MS = 120_000;
/** A verdict of other instances is this old at most, when a task is pulled by it. */
const LOOK_MS = 1_000;
const AWAY_MS = 5_000;
const WAIT_MS = 250;

type Declared = NonNullable<ResolvedAgent["probe"]>;

/** What is known of one question. `forMs`: how long it stands, from `lookedAt` on, before it is looked up again. */
type Known = {
  readonly question: string;
  ready: boolean;
  isTold: boolean;
  lookedAt: number;
  forMs: number;
  looking: Promise<void> | undefined;
};

/** `agentOf`: the agent in effect; without a probe it is always ready, and nothing is loaded to know it. */
export function createProbe(deps: ProbeDeps, agentOf: () => ResolvedAgent): Probe {
  let known = nothingOf("");
  return {
    async ready(signal) {
      const agent = agentOf();
      if (agent.probe === undefined) return true;
      const question = questionOf(agent, agent.probe);
      if (known.question !== question) known = nothingOf(question);
      const current = known;
      current.looking ??= look(agent, agent.probe, current, deps, signal).finally(() => (current.looking = undefined));
      await current.looking;
      return current.ready;
    },
  };
}

function nothingOf(question: string): Known {
  return { question, ready: true, isTold: false, lookedAt: 0, forMs: 0, looking: undefined };
}

/** All that the answer depends on, whose it is, and how often it is wanted. */
function questionOf({ uid, model, provider, systemPrompt }: ResolvedAgent, probe: Declared): string {
  return JSON.stringify([uid, model, provider.baseUrl, systemPrompt, probe.validatorPrompt, probe.intervalMs]);
}

async function look(
  agent: ResolvedAgent,
  probe: Declared,
  known: Known,
  deps: ProbeDeps,
  signal: AbortSignal,
): Promise<void> {
  const id = { namespace: agent.namespace, agent: agent.name, uid: agent.uid };
  const isLookedUp = (forMs: number): void => void Object.assign(known, { lookedAt: deps.now(), forMs });
  const since = deps.now() - known.lookedAt;
  if (since >= 0 && since < known.forMs) return;
  try {
    while (!signal.aborted) {
      const found = await deps.probes.look(id, known.question);
      if (found.kind === "known") learn(known, found.verdict);
      else if (found.kind === "ours") learn(known, await ask(agent, probe, found.turn, deps, signal));
      else if (!known.isTold) {
        await deps.sleep(WAIT_MS, signal);
        continue;
      }
      return isLookedUp(LOOK_MS);
    }
  } catch (error) {
    if (!signal.aborted) deps.log.warn({ err: error }, "agent could not be asked for its readiness");
    isLookedUp(AWAY_MS);
  }
}

/** Y2. */
function learn(known: Known, verdict: Verdict): void {
  if (verdict !== "unknown") known.ready = verdict === "healthy";
  known.isTold = true;
}

async function ask(
  agent: ResolvedAgent,
  { validatorPrompt, intervalMs }: Declared,
  turn: ProbeTurn,
  deps: ProbeDeps,
  signal: AbortSignal,
): Promise<Verdict> {
  // Well below the end of the turn, so that nobody else has asked by then.
  const ends = AbortSignal.any([signal, AbortSignal.timeout(deps.heartbeatMs * 3)]);
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const outcome = await retrying(work, deps, ends);
    if (outcome.kind === "done") return outcome.value;
    throw outcome.kind === "failed" ? outcome.error : new StoreUnavailable("the question was given up");
  };
  try {
    const { model } = await deps.runtime();
    const refs = budgetsOf([], agent);
    const budget = createBudget({ budgets: deps.budgets, refs, now: deps.now, holdMs: HOLD_MS, patiently });
    const counting = counted(budget, agent, deps);
    const ports = { model: measuredModel(model, deps), budget: counting };
    const { kind } = await askReadiness(agent, validatorPrompt, turn.id, ports, ends);
    if (!signal.aborted) {
      await patiently(() => turn.tell(kind, intervalMs));
      deps.log.info({ agent: agent.name, probe: kind }, "agent asked for its readiness");
      return kind;
    }
  } catch (error) {
    await turn.giveBack().catch(() => undefined);
    throw error;
  }
  await turn.giveBack();
  return "unknown";
}

/** As the steps of its runs are, in what the agent's status says that it used. */
function counted(budget: Budget, agent: ResolvedAgent, deps: ProbeDeps): Budget {
  const { usage, now, log } = deps;
  const { namespace, name } = agent;
  return {
    ...budget,
    reserve: async (call) => {
      const reserved = await budget.reserve(call);
      if (reserved.kind === "refused") {
        countDenial(agent, deps);
        return reserved;
      }
      const settle: typeof reserved.settle = async (used) => {
        await reserved.settle(used);
        await usage
          .add({ namespace, agent: name }, used, now())
          .catch((error: unknown) => log.debug({ err: error }, "not counted"));
      };
      return { ...reserved, settle };
    },
  };
}
