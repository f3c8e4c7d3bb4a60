/** Status of an ArkAgent from what resolving it came to and what its instances say. */
import type { ArkAgent, ArkAgentStatus } from "#core/api/v1alpha1/ark-agent.ts";
import type { ProbeAnswer } from "#core/ports/probes.ts";
import type { ServerSeen } from "#core/ports/tool-servers.ts";
import { time, type Verdict, withCondition } from "./conditions.ts";
import { hasServers, mcpHealth, shownServers } from "./mcp-servers.ts";

export type AgentWorld = {
  /** Undefined when everything it refers to is there. */
  readonly unresolved?: { readonly reason: string; readonly message: string };
  readonly ready: number;
  /** Instances that its work calls for. */
  readonly desired: number;
  readonly pendingTasks: number;
  readonly promptHash?: string;
  /** Of the last 24 hours, all calls. */
  readonly used?: { readonly inputTokens: number; readonly outputTokens: number };
  /** What it said last to its validator prompt. */
  readonly probed?: ProbeAnswer;
  /** How its instances found its MCP servers last. */
  readonly servers?: readonly ServerSeen[];
  /** Where a CloudEvent starts a run of it; absent where nobody listens for one. */
  readonly address?: string;
  readonly now: number;
};

export function agentStatus(agent: ArkAgent, world: AgentWorld): ArkAgentStatus {
  const { generation = 1 } = agent.metadata;
  const { now, desired, pendingTasks, promptHash } = world;
  const kept = stillTrue(agent);
  const instances = world.unresolved === undefined ? world.ready : 0;
  const seen = observed(agent, world);
  let { conditions } = kept;
  for (const [type, verdict] of verdicts(agent, world, seen))
    conditions = withCondition(conditions, type, verdict, { now, generation });
  return {
    ...kept,
    ...seen,
    observedGeneration: generation,
    ...(conditions !== undefined && { conditions }),
    replicas: instances,
    readyReplicas: isUnwell(agent, seen) ? 0 : instances,
    desiredReplicas: desired,
    pendingTasks,
    ...usageOf(world),
    ...(promptHash !== undefined && { systemPromptHash: promptHash }),
    ...(world.address !== undefined && { address: { url: world.address } }),
  };
}

/** The status it has, but for what its spec asks for no more: servers, a probe, a limit may have left it. */
function stillTrue(agent: ArkAgent): ArkAgentStatus {
  const { mcpServers: _mcpServers, lastProbe: _lastProbe, conditions, ...kept } = agent.status ?? {};
  if (conditions === undefined) return kept;
  const gone = new Set([
    ...(hasServers(agent) ? [] : ["MCPDegraded"]),
    ...(isProbed(agent) ? [] : ["Healthy"]),
    ...(agent.spec.limits?.maxDailyTokens === undefined ? ["BudgetExceeded"] : []),
  ]);
  return { ...kept, conditions: conditions.filter(({ type }) => !gone.has(type)) };
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
  const { probed, servers = [] } = world;
  const mcpServers = shownServers(agent, servers);
  const lastProbe =
    probed?.healthy === undefined ? agent.status?.lastProbe : { time: time(probed.at), healthy: probed.healthy };
  return {
    ...(lastProbe !== undefined && isProbed(agent) && { lastProbe }),
    ...(mcpServers.length > 0 && { mcpServers: [...mcpServers] }),
  };
}

function verdicts(agent: ArkAgent, world: AgentWorld, { lastProbe, mcpServers = [] }: Observed): [string, Verdict][] {
  const found: [string, Verdict][] = [["Ready", readiness(agent, world)], ...dailyLimit(agent, world)];
  if (isProbed(agent)) found.push(["Healthy", health(lastProbe?.healthy, world.probed?.failedAt)]);
  if (hasServers(agent)) found.push(["MCPDegraded", mcpHealth(mcpServers)]);
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

/** D26: an instance goes on by what the agent said last; a model that cannot be reached says so in the task itself. */
function health(healthy: boolean | undefined, failedAt: number | undefined): Verdict {
  if (failedAt !== undefined) {
    const message = `the model gave no answer to the validator prompt at ${time(failedAt)}; the agent's log says why`;
    return { status: "False", reason: "ProbeError", message };
  }
  if (healthy === undefined) return NOT_PROBED;
  return healthy
    ? { status: "True", reason: "ProbePassed", message: "the validator prompt was answered with HEALTHY" }
    : { status: "False", reason: "ProbeFailed", message: "the validator prompt was not answered with HEALTHY" };
}
