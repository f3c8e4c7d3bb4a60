/** Status of an ArkAgent from what resolving it came to and what its instances say. */
import type { ArkAgent, ArkAgentStatus } from "#core/api/v1alpha1/ark-agent.ts";
import type { ProbeAnswer } from "#core/ports/probes.ts";
import { time, type Verdict, withCondition } from "./conditions.ts";

export type AgentWorld = {
  /** Undefined when everything it refers to is there. */
  readonly unresolved?: { readonly reason: string; readonly message: string };
  readonly ready: number;
  readonly pendingTasks: number;
  readonly promptHash?: string;
  /** Of the last 24 hours, all calls. */
  readonly used?: { readonly inputTokens: number; readonly outputTokens: number };
  /** What it said last to its validator prompt. */
  readonly probed?: ProbeAnswer;
  readonly mcpServers?: ArkAgentStatus["mcpServers"];
  /** Where a CloudEvent starts a run of it; absent where nobody listens for one. */
  readonly address?: string;
  readonly now: number;
};

export function agentStatus(agent: ArkAgent, world: AgentWorld): ArkAgentStatus {
  const { generation = 1 } = agent.metadata;
  const { now, pendingTasks, promptHash } = world;
  const instances = world.unresolved === undefined ? world.ready : 0;
  const seen = observed(agent, world);
  let conditions = agent.status?.conditions;
  for (const [type, verdict] of verdicts(agent, world, seen))
    conditions = withCondition(conditions, type, verdict, { now, generation });
  return {
    ...agent.status,
    ...seen,
    observedGeneration: generation,
    ...(conditions !== undefined && { conditions }),
    replicas: instances,
    readyReplicas: isUnwell(agent, seen) ? 0 : instances,
    pendingTasks,
    ...usageOf(world),
    ...(promptHash !== undefined && { systemPromptHash: promptHash }),
    ...(world.address !== undefined && { address: { url: world.address } }),
  };
}

function usageOf({ used }: AgentWorld): Pick<ArkAgentStatus, "dailyTokenUsage"> {
  if (used === undefined) return {};
  return { dailyTokenUsage: { ...used, totalTokens: used.inputTokens + used.outputTokens } };
}

/** Present while a limit is set: the next call over it is refused (P6). */
function dailyLimit(agent: ArkAgent, { used }: AgentWorld): [string, Verdict][] {
  const limit = agent.spec.limits?.maxDailyTokens;
  if (limit === undefined || used === undefined) return [];
  const total = used.inputTokens + used.outputTokens;
  const message = `${total} of ${limit} tokens in 24 hours`;
  return [
    [
      "BudgetExceeded",
      total >= limit
        ? { status: "True", reason: "DailyLimitReached", message }
        : { status: "False", reason: "WithinLimit", message },
    ],
  ];
}

type Observed = Pick<ArkAgentStatus, "lastProbe" | "mcpServers">;

/** Kept while nobody looks: an agent that sleeps keeps its last answer (api 3, `lastProbe`). */
function observed(agent: ArkAgent, world: AgentWorld): Observed {
  const { probed, mcpServers = agent.status?.mcpServers } = world;
  const lastProbe = probed === undefined ? agent.status?.lastProbe : { time: time(probed.at), healthy: probed.healthy };
  return { ...(lastProbe !== undefined && { lastProbe }), ...(mcpServers !== undefined && { mcpServers }) };
}

function verdicts(agent: ArkAgent, world: AgentWorld, { lastProbe, mcpServers }: Observed): [string, Verdict][] {
  const found: [string, Verdict][] = [["Ready", readiness(agent, world)], ...dailyLimit(agent, world)];
  if (isProbed(agent)) found.push(["Healthy", lastProbe === undefined ? NOT_PROBED : health(lastProbe.healthy)]);
  if (mcpServers !== undefined) found.push(["MCPDegraded", mcpHealth(mcpServers)]);
  return found;
}

/** Whether it has a validator prompt that is asked. */
export function isProbed({ spec: { livenessProbe: probe } }: ArkAgent): boolean {
  return probe?.validatorPrompt !== undefined && probe.type !== "ping";
}

/** Its instances take no tasks (D26). */
function isUnwell(agent: ArkAgent, { lastProbe }: Observed): boolean {
  return isProbed(agent) && lastProbe?.healthy === false;
}

const NOT_PROBED: Verdict = {
  status: "Unknown",
  reason: "NotProbed",
  message: "the validator prompt is asked when the agent wakes",
};

function readiness(agent: ArkAgent, { unresolved, ready }: AgentWorld): Verdict {
  if (unresolved !== undefined) return { status: "False", ...unresolved };
  if (agent.spec.replicas === 0)
    return { status: "True", reason: "ScaledToZero", message: "replicas is 0: tasks wait, none is taken" };
  if (ready > 0) return { status: "True", reason: "AllReplicasReady", message: "tasks are taken" };
  return { status: "True", reason: "ScaledToZero", message: "no task waits" };
}

function health(healthy: boolean): Verdict {
  return healthy
    ? { status: "True", reason: "ProbePassed", message: "the validator prompt was answered with HEALTHY" }
    : { status: "False", reason: "ProbeFailed", message: "the validator prompt was not answered with HEALTHY" };
}

function mcpHealth(servers: NonNullable<ArkAgentStatus["mcpServers"]>): Verdict {
  const down = servers.filter((server) => !server.healthy).map((server) => server.name);
  return down.length === 0
    ? { status: "False", reason: "ServersReached", message: "every MCP server answers" }
    : { status: "True", reason: "ServerUnreachable", message: `unreachable: ${down.join(", ")}` };
}
