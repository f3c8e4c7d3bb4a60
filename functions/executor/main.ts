/** The executor as a process: one agent, its slots, `/wake`; finishes what it holds on SIGTERM (D7). */
import { aborted } from "#core/abort.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { type JoinedToolbox, joinTools } from "#core/agent/toolbox.ts";
import { readProviders } from "#core/agent/provider.ts";
import { addressOf } from "#core/events/pool-addresses.ts";
import { createApp } from "#platform/http/app.ts";
import { early } from "#platform/http/early.ts";
import { held } from "#platform/http/held.ts";
import { serve } from "#platform/http/server.ts";
import { wakesByHand } from "#platform/http/wake-by-hand.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { runProcess } from "#platform/process/run.ts";
import { sleep } from "#platform/process/sleep.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";
import { readAgentFile, type LoadedAgent } from "./agent-file.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import type { AgentRuntime, ExecutorDeps } from "./deps.ts";
import { handleTask } from "./handler.ts";
import { place } from "./place.ts";
import { createPresence } from "./presence.ts";
import { createProbe } from "./probe.ts";
import { createReport, type Report, type ReportDeps } from "./server-report.ts";
import { createPool } from "./slots.ts";

/** Below every proxy's patience with a silent answer. */
const BEAT_MS = 15_000;
/** What a request that is still open after the last task may take. */
const CLOSE_MS = 5_000;
/** How long a wake that this process holds for another keeps it, when nobody else holds any. */
const HOLD_MS = 60_000;
/** Beyond the agent's own timeout, for storing a result. */
const FINISH_MS = 30_000;
/** Heartbeats in the life of a lease: three may be lost. */
const BEATS_PER_LEASE = 4;

async function main(config: Config, loaded: LoadedAgent, stop: AbortSignal): Promise<void> {
  const { agent } = loaded;
  const log = createLog({ name: "executor", level: config.logLevel });
  const hardStop = new AbortController();

  await using telemetry = await openTelemetry("ark-executor", process.env, log);
  await using js = await openJetStream({
    url: config.natsUrl,
    name: `ark-executor-${agent.name}`,
    signal: stop,
    meters: telemetry.meters,
    leaseTtlMs: config.leaseMs,
    taskAckWaitMs: config.leaseMs,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
    ...(config.isGuest && { guest: { namespace: agent.namespace, agent: agent.name } }),
  });
  const wakes = wakesByHand({ asks: js.wakes, addressOf: (pool) => addressOf(pool, config.addresses), log });
  const deps: ExecutorDeps = {
    facts: js.factLog,
    tasks: js.tasks,
    leases: js.leases,
    outputs: js.outputs,
    budgets: js.budgets,
    usage: js.usage,
    probes: js.probes,
    tokens: js.tokens,
    wakes,
    runtime: once(() => loadRuntime(loaded, { toolServers: js.toolServers, now: Date.now, log })),
    instance: config.instance,
    heartbeatMs: config.leaseMs / BEATS_PER_LEASE,
    now: Date.now,
    random: Math.random,
    sleep,
    spans: telemetry.spans,
    meters: telemetry.meters,
    log,
  };
  const probe = createProbe(deps, () => agent);
  const pool = createPool({
    max: agent.limits.maxConcurrentTasks,
    idleMs: config.mode === "always" ? Number.POSITIVE_INFINITY : config.idleMs,
    next: (expiresMs, signal) => js.tasks.next({ namespace: agent.namespace, agent: agent.name }, expiresMs, signal),
    handle: (delivery) => handleTask(delivery, deps, hardStop.signal),
    place: (delivery) => place(delivery, config.instance, js.handOver),
    changed: () => presence.changed(),
    ready: (signal) => probe.ready(signal),
    now: Date.now,
    random: Math.random,
    sleep,
    stop,
  });
  const { namespace, name } = agent;
  const self = () => ({
    instance: config.instance,
    active: pool.busy,
    max: pool.max,
    ready: pool.ready && pool.open > 0 && !stop.aborted,
  });
  const presence = createPresence({ namespace, agent: name }, self, { instances: js.instances, sleep, log });
  const told = presence.run(stop);
  const handed = js.handOver.receive({ namespace, agent: name }, config.instance, (one) => pool.take(one), stop);
  handed.catch((error: unknown) => log.warn({ err: error }, "tasks can no longer be handed to this instance"));
  const slots = new Set<Promise<void>>();
  const open = (): Promise<void> => {
    // Heavy clients are loaded while the first task is being fetched; the task itself tells when that fails.
    deps.runtime().catch(() => {});
    const slot = pool.slot().finally(() => slots.delete(slot));
    slots.add(slot);
    return slot;
  };
  // Whoever held the wake holds another one: a slot is tried again by it.
  const work = () => open().catch((error: unknown) => log.error({ err: error }, "slot broke"));
  const wake = config.mode === "wake" ? early(work) : work;
  if (config.mode === "always") for (let n = 0; n < agent.limits.maxConcurrentTasks; n += 1) void open();
  const app = createApp({
    routes: [{ method: "POST", path: "/wake", handle: async () => held(wake(), BEAT_MS) }],
    ready: () => js.isConnected() && !stop.aborted,
    log,
  });
  await using serving = await serve(app, { port: config.port, host: config.host });
  log.info({ port: serving.port, agent: agent.name }, "listening");

  await aborted(stop);
  log.info({ tasks: pool.busy }, "draining");
  const late = setTimeout(() => hardStop.abort(), agent.limits.timeoutMs + FINISH_MS);
  await Promise.all([...slots, pool.settled(), told]);
  clearTimeout(late);
  // What it leaves in the queue finds another instance, also while nobody else looks (P8).
  const left = await js.tasks.pending({ namespace, agent: name }).catch(() => undefined);
  if (left !== undefined && left.waiting > 0) wakes.hint({ namespace, agent: name });
  await serving.stop(CLOSE_MS);
  await wakes.drain(HOLD_MS);
}

async function loadRuntime({ agent, providerFor }: LoadedAgent, deps: ReportDeps): Promise<AgentRuntime> {
  const { createOpenAiModel } = await import("#platform/openai/model.ts");
  const model = createOpenAiModel();
  await model.warm();
  return { agent, model, tools: await loadTools(agent, createReport(agent, deps)), providerFor };
}

async function loadTools(agent: ResolvedAgent, report: Report): Promise<JoinedToolbox> {
  const { createWebhookTools } = await import("#platform/http/webhook-tool.ts");
  const singles = createWebhookTools(agent.tools);
  if (agent.mcpServers.length === 0) return joinTools([], singles);
  const { createMcpServers } = await import("#platform/mcp/mcp.ts");
  return joinTools(createMcpServers(agent.mcpServers), singles, report);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

await runProcess(parseConfig(readEnv(process.env)), async (config, stop) => {
  const { agentFile: file, configMapsDir, secretsDir } = config;
  const loaded = readAgentFile({ file, configMapsDir, secretsDir, providers: readProviders(process.env) });
  await main(config, loaded, stop);
});
