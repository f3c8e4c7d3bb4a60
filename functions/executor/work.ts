/** The agent at work on one task, with every turn on the record and no secret in it (P7). */
import { runAgentTask } from "#core/agent/turn-loop.ts";
import { redactedModel, redactedTools, secretsOf } from "#core/agent/redact.ts";
import type { AgentDeps, RecordedTurn, TurnLog } from "#core/agent/ports.ts";
import type { AgentOutcome, AgentTask } from "#core/agent/task.ts";
import type { Task } from "#core/events/tasks.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";
import { agentTask } from "./agent-task.ts";
import { budgetsOf, createBudget } from "./budget.ts";
import type { AgentRuntime, ExecutorDeps } from "./deps.ts";
import type { Holding } from "./holding.ts";
import { retrying } from "#core/ports/retrying.ts";
import { countDenied, measuredModel, measuredTools } from "./measure.ts";
import { tracedAgent } from "./trace.ts";
import { isStored, paid, recordedTurns, turnFact } from "./turns.ts";

/** How long a reservation outlives the longest call. */
const RESERVE_SLACK_MS = 60_000;

export async function work(
  task: Task,
  runtime: AgentRuntime,
  holding: Holding,
  deps: ExecutorDeps,
  signal: AbortSignal,
): Promise<AgentOutcome> {
  const { agent } = runtime;
  const ends = AbortSignal.any([signal, holding.signal]);
  const patiently = async <T>(doing: () => Promise<T>): Promise<T> => {
    const outcome = await retrying(doing, deps, ends);
    if (outcome.kind === "done") return outcome.value;
    throw outcome.kind === "failed" ? outcome.error : new Stopped();
  };
  try {
    const prepared = await patiently(() => prepare(task, agent, deps));
    if (prepared.kind === "failed") return prepared;
    const budget = createBudget({
      budgets: deps.budgets,
      refs: budgetsOf(task.budgets, agent),
      now: deps.now,
      holdMs: prepared.task.timeoutMs + RESERVE_SLACK_MS,
      patiently,
    });
    const secrets = secretsOf(agent);
    const agentDeps: Omit<AgentDeps, "model" | "tools"> = {
      turns: turnLog(task, agent.model, holding, deps, patiently),
      budget,
      clock: { now: deps.now },
      sleep: deps.sleep,
      random: deps.random,
      onToken: (text) => deps.tokens.publish(task, task.step, text),
      providerFor: runtime.providerFor,
    };
    const ports = {
      model: measuredModel(redactedModel(runtime.model, secrets), deps),
      tools: measuredTools(redactedTools(runtime.tools, secrets), deps),
    };
    const ended = await tracedAgent(task, agent, secrets, deps, ports, (traced) =>
      runAgentTask(prepared.task, { ...agentDeps, ...traced }, ends),
    );
    countDenied(ended, agent, deps);
    return ended;
  } catch (error) {
    if (error instanceof Stopped) return { kind: "stopped" };
    throw error;
  }
}

type Ready = { readonly kind: "ready"; readonly task: AgentTask };
type Failed = Extract<AgentOutcome, { kind: "failed" }>;

/** P4: a text that is lost ends this attempt. Another one has texts of its own: its prompt is stored anew, its turns made. */
async function prepare(task: Task, agent: AgentRuntime["agent"], deps: ExecutorDeps): Promise<Ready | Failed> {
  const stored = (await announce(task, deps)) === "first" ? [] : await deps.facts.turns(task, task);
  return unlessLost<Ready | Failed>(
    async () => {
      const recorded = await recordedTurns(task, stored, deps.outputs);
      return { kind: "ready", task: await agentTask(task, agent, recorded, deps.outputs) };
    },
    (why) => {
      const message = `the attempt cannot go on from what is recorded: ${why}`;
      return { kind: "failed", code: "output.lost", message, mayPass: true, ...paid(stored) };
    },
  );
}

/** The work was ended while the store was away. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

/** Told once per attempt, before anything else of it: where it is the first, no turn can be recorded. */
async function announce(task: Task, deps: ExecutorDeps): Promise<"first" | "again"> {
  const { step, iteration, attempt } = task;
  const instance = deps.instance;
  const fact = { kind: "step.started", at: deps.now(), step, iteration, attempt, instance } as const;
  return (await deps.facts.publish(task, fact)).kind === "stored" ? "first" : "again";
}

function turnLog(
  task: Task,
  model: string,
  holding: Holding,
  deps: ExecutorDeps,
  patiently: <T>(doing: () => Promise<T>) => Promise<T>,
): TurnLog {
  return {
    record: async (turn: RecordedTurn) => {
      if (holding.lost) return "lost";
      const fact = await patiently(() => turnFact(task, turn, model, deps.outputs));
      const { kind } = await patiently(() => deps.facts.publish(task, fact));
      if (holding.lost) return "lost";
      if (kind === "stored") return "stored";
      const stored = await patiently(() => deps.facts.turns(task, task));
      return isStored(fact, stored) ? "stored" : "lost";
    },
  };
}
