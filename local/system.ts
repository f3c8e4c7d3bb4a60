/** The parts of one machine, joined: which part tells which. */
import { randomUUID } from "node:crypto";
import type { ArkObject } from "#core/api/objects.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { arkSource, EXTENSIONS } from "#core/events/cloud-event.ts";
import type { Logger } from "#core/ports/log.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { sleep } from "#platform/process/sleep.ts";
import { tellWhole } from "#core/reconcile/readings.ts";
import type { Telemetry } from "#platform/telemetry/telemetry.ts";
import { type Collector, createCollector } from "../functions/collector/collect.ts";
import type { CollectorPorts } from "../functions/collector/deps.ts";
import { completeRun } from "#core/runs/complete-run.ts";
import { announce } from "#core/runs/start-run.ts";
import type { DispatcherDeps } from "../functions/dispatcher/deps.ts";
import type { ReportDeps } from "../functions/executor/server-report.ts";
import { tickKey } from "#core/schedule/ticks.ts";
import { Cron } from "./cron.ts";
import { deliver, type DeliverDeps } from "./deliver.ts";
import { EventStatuses } from "./event-status.ts";
import { Executors } from "./executors.ts";
import { forever } from "./forever.ts";
import type { Models } from "./models.ts";
import { type OpensPorts, Reconciler } from "./reconciler.ts";
import { Runs } from "./runs.ts";
import { type ProviderFor, Runtimes } from "./runtimes.ts";
import type { Secrets } from "./secrets.ts";
import { Sources } from "./sources.ts";
import { LEASE_MS } from "./store.ts";
import { agentEnv, type Env, type World } from "./world.ts";

export type System = {
  readonly collector: Collector;
  readonly cron: Cron;
  readonly deliveries: DeliverDeps;
  readonly executors: Executors;
  readonly reconciler: Reconciler;
  readonly runs: Runs;
  readonly runtimes: Runtimes;
  readonly sources: Sources;
};

export type SystemOptions = {
  readonly sources: readonly string[];
  readonly dataDir: string;
  readonly env: Env;
  readonly log: Logger;
  readonly adjust?: (object: ArkObject) => ArkObject;
};

/** A quarter of a lease: three may be lost. */
const HEARTBEAT_MS = LEASE_MS / 4;

/** Asked when it is needed: doors open last. */
export type OpenDoors = { readonly url: () => string; readonly ports: () => OpensPorts | undefined };

export async function buildSystem(
  { sources, dataDir, env, log, adjust }: SystemOptions,
  js: JetStream,
  models: Models,
  secrets: Secrets,
  telemetry: Telemetry,
  hard: AbortSignal,
  doors: OpenDoors,
): Promise<System> {
  let world: World = { events: [], agents: new Map() };
  const eventStatuses = new EventStatuses(js.objects, log);
  const dispatcher = dispatcherDeps(js, eventStatuses, () => reconciler.poke(), telemetry, log);
  const providerFor: ProviderFor = (agent, model) => {
    const state = world.agents.get(`${agent.namespace}/${agent.name}`);
    return models.providers(model, state === undefined ? env : agentEnv(state.agent, secrets, env));
  };
  const runtimes = new Runtimes(
    providerFor,
    reportDeps(js, () => reconciler.pokeSoon(), log),
  );
  const executors = new Executors(executorDeps(js, runtimes, telemetry, log), hard);
  const cron = await Cron.open({ dataDir, fire: (event, tick) => publishTick(js, event, tick), now: Date.now, log });
  const runs: Runs = new Runs({
    objects: js.objects,
    facts: js.factLog,
    states: js.runStates,
    start: (run, isLastTry) => startRun(run, dispatcher, isLastTry),
    onChange: () => reconciler.pokeSoon(),
    now: Date.now,
    sleep,
    log,
  });
  const reconciler: Reconciler = new Reconciler({
    objects: js.objects,
    triggers: js.triggers,
    letters: js.deadLetters,
    replays: js.replays,
    services: js.services,
    tasks: js.tasks,
    usage: js.usage,
    probes: js.probes,
    secrets,
    env,
    providers: models.providers,
    webhookBase: doors.url,
    ports: doors.ports,
    eventStatuses,
    runsOf: (team) => runs.of(team),
    toolServers: js.toolServers,
    onWorld: (next) => {
      world = next;
      executors.use(next.agents);
      runtimes.use(next.agents);
      cron.use(next.events);
    },
    now: Date.now,
    log,
  });
  tellWhole({ runs: () => runs.glances(), letters: () => reconciler.letters }, telemetry.meters);
  return {
    collector: createCollector(collectorPorts(js, telemetry, log)),
    cron,
    deliveries: { outbox: js.outbox, dispatcher, events: () => world.events, log },
    executors,
    reconciler,
    runs,
    runtimes,
    sources: new Sources(sources, {
      objects: js.objects,
      onValues: (values) => secrets.use(values),
      onApplied: () => reconciler.poke(),
      log,
      ...(adjust && { adjust }),
    }),
  };
}

/** Resolves when all have ended after `stop`. */
export async function startLoops(system: System, js: JetStream, log: Logger, stop: AbortSignal): Promise<void> {
  const loop = (name: string, work: () => Promise<void>) => forever(name, work, log, stop);
  await Promise.all([
    loop("collector", () => system.collector.run(stop)),
    loop("reaper", () => js.reaper.run(stop)),
    loop("deliveries", () => deliver(system.deliveries, stop)),
    loop("reconciler", () => system.reconciler.run(stop)),
    loop("runs", () => system.runs.run(stop)),
    loop("wake hints", () => system.executors.follow(stop)),
  ]);
}

function dispatcherDeps(
  js: JetStream,
  statuses: EventStatuses,
  onLost: () => void,
  { spans, meters }: Telemetry,
  log: Logger,
): DispatcherDeps {
  return {
    objects: js.objects,
    facts: js.factLog,
    states: js.runStates,
    outputs: js.outputs,
    locks: js.locks,
    starts: js.starts,
    outbox: js.outbox,
    fireHints: js.fireHints,
    deadLetters: js.deadLetters,
    recordFire: async (fire) => {
      await statuses.record(fire);
      if (fire.outcome === "dead-lettered") onLost();
    },
    now: Date.now,
    spans,
    meters,
    log,
  };
}

export function collectorPorts(
  js: JetStream,
  { spans, meters }: Pick<Telemetry, "spans" | "meters">,
  log: Logger,
): CollectorPorts {
  return {
    facts: js.factLog,
    states: js.runStates,
    tasks: js.tasks,
    leases: js.leases,
    outputs: js.outputs,
    timers: js.timers,
    outbox: js.outbox,
    locks: js.locks,
    wakes: js.wakes,
    status: js.objects,
    now: Date.now,
    random: Math.random,
    sleep,
    spans,
    meters,
    log,
  };
}

/** What is told of MCP servers stands in their agent's status at once. */
function reportDeps({ toolServers }: JetStream, onTold: () => void, log: Logger): ReportDeps {
  return {
    toolServers: {
      last: (agent) => toolServers.last(agent),
      tell: async (agent, seen) => {
        await toolServers.tell(agent, seen);
        onTold();
      },
    },
    now: Date.now,
    log,
  };
}

function executorDeps(
  js: JetStream,
  runtimes: Runtimes,
  { spans, meters }: Telemetry,
  log: Logger,
): ConstructorParameters<typeof Executors>[0] {
  return {
    facts: js.factLog,
    tasks: js.tasks,
    leases: js.leases,
    outputs: js.outputs,
    budgets: js.budgets,
    usage: js.usage,
    probes: js.probes,
    tokens: js.tokens,
    wakes: js.wakes,
    runtime: (agent) => runtimes.of(agent),
    hints: (signal) => js.wakes.watch(signal),
    instance: `ark-up-${process.pid}-${randomUUID().slice(0, 8)}`,
    heartbeatMs: HEARTBEAT_MS,
    now: Date.now,
    random: Math.random,
    sleep,
    spans,
    meters,
    log,
  };
}

/** As a PingSource would say it; its key is the tick. */
async function publishTick(js: JetStream, event: ArkEvent, tickMs: number): Promise<void> {
  const { namespace = "default", name = "", uid = "" } = event.metadata;
  const key = tickKey(tickMs);
  const cloudEvent = {
    specversion: "1.0",
    id: `${uid}/${key}`,
    source: arkSource(namespace, "arkevent", name),
    type: "dev.knative.sources.ping",
    time: new Date(tickMs).toISOString(),
    extensions: { [EXTENSIONS.namespace]: namespace, [EXTENSIONS.event]: name, [EXTENSIONS.key]: key },
  } as const;
  await js.outbox.publish({ namespace, event: name, key, cloudEvent, firedAt: tickMs }, uid);
}

async function startRun(run: ArkRun, dispatcher: DispatcherDeps, isLastTry: boolean): Promise<"started" | "again"> {
  const outcome = await completeRun(run, dispatcher);
  if (outcome.kind !== "retry") return "started";
  if (!isLastTry) return "again";
  await announce(run, dispatcher);
  return "started";
}
