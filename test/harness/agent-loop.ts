/** One agent task over real HTTP: the openai adapter and a scripted model server; the other ports live in memory. */
import type { AgentDeps, RecordedTurn, Toolbox, ToolOutcome, ToolSpec, TurnLog, Usage } from "#core/agent/ports.ts";
import type { AgentOutcome, AgentTask, ResolvedAgent } from "#core/agent/task.ts";
import { runAgentTask } from "#core/agent/turn-loop.ts";
import { createOpenAiModel } from "#platform/openai/model.ts";
import { sleep } from "#platform/process/sleep.ts";
import type { TestModel } from "./model.ts";

export { sleep };

export type ToolSeen = { name: string; args: Readonly<Record<string, unknown>>; key: string };
export type ToolFunction = (args: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<ToolOutcome>;

/** Tools that are functions; every call is seen. */
export function toolbox(tools: Readonly<Record<string, ToolFunction>>): Toolbox & { seen: ToolSeen[]; lists: number } {
  const specs: ToolSpec[] = Object.keys(tools).map((name) => ({
    name,
    description: `does ${name}`,
    inputSchema: { type: "object" },
  }));
  const box = {
    seen: [] as ToolSeen[],
    lists: 0,
    list: async () => {
      box.lists++;
      return specs;
    },
    call: async (
      name: string,
      args: ToolSeen["args"],
      { idempotencyKey }: { idempotencyKey: string },
      signal: AbortSignal,
    ) => {
      box.seen.push({ name, args, key: idempotencyKey });
      const tool = tools[name];
      if (tool === undefined)
        return { kind: "error" as const, code: "tool.unknown" as const, text: "?", mayPass: false };
      return tool(args, signal);
    },
  };
  return box;
}

/** One budget with a limit: what is spent by call id, and what is reserved right now. */
export function memoryBudget(limit = Number.POSITIVE_INFINITY) {
  const spent = new Map<string, number>();
  const reserved = new Map<string, number>();
  const total = (map: Map<string, number>) => [...map.values()].reduce((sum, one) => sum + one, 0);
  const tokensOf = ({ inputTokens, outputTokens }: Usage) => inputTokens + outputTokens;
  const budget: AgentDeps["budget"] = {
    reserve: async ({ callId, tokens }) => {
      if (total(spent) + total(reserved) + tokens > limit) {
        return { kind: "refused", reason: `the limit of ${limit} tokens is reached`, which: "run" };
      }
      reserved.set(callId, tokens);
      return {
        kind: "reserved",
        settle: async (usage) => {
          reserved.delete(callId);
          spent.set(callId, tokensOf(usage));
        },
        release: async () => void reserved.delete(callId),
      };
    },
    settled: async (callId, usage) => void spent.set(callId, tokensOf(usage)),
  };
  return { budget, spent: () => total(spent), reserved: () => total(reserved), calls: () => spent.size };
}

export type TurnRecord = TurnLog & { readonly turns: RecordedTurn[] };

/** Refuses a second turn under one number: that would be two results for one message id (P2). */
export function memoryTurns(turns: RecordedTurn[] = []): TurnRecord {
  return {
    turns,
    record: async (turn) => {
      if (turns.some(({ index }) => index === turn.index)) throw new Error(`turn ${turn.index} recorded twice`);
      turns.push(structuredClone(turn) as RecordedTurn);
      return "stored";
    },
  };
}

export type TaskOver = Partial<Omit<AgentTask, "agent">> & {
  readonly agent?: Partial<Omit<ResolvedAgent, "limits">> & { readonly limits?: Partial<ResolvedAgent["limits"]> };
};

export function taskFor(model: Pick<TestModel, "url">, over: TaskOver = {}): AgentTask {
  const { agent = {}, ...rest } = over;
  const { limits = {}, ...agentRest } = agent;
  return {
    taskId: "uid-1/write/0/0/task",
    prompt: "Write a line.",
    recorded: [],
    timeoutMs: 50_000,
    ...rest,
    agent: {
      namespace: "default",
      name: "writer",
      model: "mock",
      provider: { baseUrl: model.url },
      systemPrompt: "You write.",
      fragments: { before: [], after: [] },
      mcpServers: [],
      tools: [],
      secrets: [],
      ...agentRest,
      limits: {
        maxTokensPerCall: 1_000,
        maxConcurrentTasks: 1,
        timeoutMs: 50_000,
        retries: 2,
        maxTurns: 10,
        ...limits,
      },
    },
  };
}

export type LoopDeps = AgentDeps & { readonly turns: TurnRecord };

export function depsFor(model: Pick<TestModel, "url">, over: Partial<LoopDeps> = {}): LoopDeps {
  return {
    model: createOpenAiModel(),
    tools: toolbox({}),
    turns: memoryTurns(),
    budget: memoryBudget().budget,
    clock: { now: () => Date.now() },
    sleep,
    random: () => 0,
    onToken: () => {},
    providerFor: () => ({ kind: "provider", provider: { baseUrl: model.url } }),
    ...over,
  };
}

export function run(
  task: AgentTask,
  deps: AgentDeps,
  signal: AbortSignal = new AbortController().signal,
): Promise<AgentOutcome> {
  return runAgentTask(task, deps, signal);
}
