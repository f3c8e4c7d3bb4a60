/** What the executor needs of the world: one record, built in `main.ts`, in `local/` and in tests. */
import type { Model, ProviderChoice, Sleep, Toolbox } from "#core/agent/ports.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { Probes } from "#core/ports/probes.ts";
import type { Budgets, FactLog, Leases, Outputs, TaskQueue, TokenFeed, UsageTally, Wakes } from "#core/ports/record.ts";
import type { Spans } from "#core/ports/spans.ts";

/** One agent, ready to work. */
export type AgentRuntime = {
  readonly agent: ResolvedAgent;
  readonly model: Model;
  readonly tools: Toolbox;
  readonly providerFor: (model: string) => ProviderChoice;
};

export type ExecutorDeps = {
  readonly facts: FactLog;
  readonly tasks: TaskQueue;
  readonly leases: Leases;
  readonly outputs: Outputs;
  readonly budgets: Budgets;
  readonly usage: Pick<UsageTally, "add">;
  readonly probes: Probes;
  readonly tokens: TokenFeed;
  readonly wakes: Wakes;
  /** Heavy clients are loaded by the first call, while the task is being read. */
  readonly runtime: () => Promise<AgentRuntime>;
  /** Name of this process, for people. */
  readonly instance: string;
  /** Between heartbeats; well below the acknowledgement wait and the life of a lease. */
  readonly heartbeatMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly spans: Spans;
  readonly meters: Meters;
  readonly log: Logger;
};
