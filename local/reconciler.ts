/**
 * Keeps what the objects stand for in step with them: agents of inline roles, trigger records, statuses. One pass looks
 * at everything; passes follow one another, never overlap, and end in no write when nothing is left to do.
 */
import { createHash } from "node:crypto";
import { keyOf } from "#core/api/object-key.ts";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { planTeam } from "#core/pipeline/plan.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { ProbeAnswers } from "#core/ports/probes.ts";
import type { TaskQueue, UsageTally } from "#core/ports/record.ts";
import type { ServiceRecord, Services } from "#core/ports/services.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import type { Replay, Replays, Triggers } from "#core/ports/events.ts";
import { agentStatus } from "#core/reconcile/agent.ts";
import { agentScale, instancesFor } from "#core/reconcile/agent-scale.ts";
import type { Verdict } from "#core/reconcile/conditions.ts";
import { eventStatus, triggerRecord } from "#core/reconcile/event.ts";
import { lastSeen } from "#core/reconcile/last-seen.ts";
import type { Census } from "#core/reconcile/readings.ts";
import { replayWhenAsked } from "#core/reconcile/replay.ts";
import { isStatusAlone } from "#core/reconcile/status-alone.ts";
import { assignPorts, MOST_PORTS, type PortDecision, portConflict } from "#core/reconcile/ports.ts";
import { serviceRecord, serviceStatus } from "#core/reconcile/service.ts";
import { settingsStatus } from "#core/reconcile/settings.ts";
import { teamStatus, type TeamRuns } from "#core/reconcile/team-status.ts";
import { judgeTeam } from "#core/reconcile/team-verdict.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import { writeStatusIfChanged } from "./changes.ts";
import { Coalesced } from "./coalesce.ts";
import type { EventStatuses } from "./event-status.ts";
import { keepRoleAgents, type Refused } from "./role-agents.ts";
import type { Secrets } from "./secrets.ts";
import { byKey, type Env, type Observed, type Providers, resolveAll, type World } from "./world.ts";

export type ReconcilerDeps = {
  readonly objects: Objects;
  readonly triggers: Triggers;
  readonly letters: Replay;
  readonly replays: Replays;
  readonly services: Services;
  readonly tasks: Pick<TaskQueue, "pending">;
  readonly usage: Pick<UsageTally, "last24h">;
  readonly probes: ProbeAnswers;
  readonly secrets: Secrets;
  readonly env: Env;
  readonly providers: Providers;
  readonly webhookBase: () => string;
  /** Undefined: nobody opens the ports that services declare. */
  readonly ports: () => OpensPorts | undefined;
  readonly eventStatuses: EventStatuses;
  readonly runsOf: (teamKey: string) => TeamRuns;
  readonly toolServers: Pick<ToolServers, "last">;
  readonly onWorld: (world: World) => void;
  readonly now: () => number;
  readonly log: Logger;
};

export type OpensPorts = {
  /** Resolves when those of these services are open, or have a fault. */
  use(records: readonly ServiceRecord[]): Promise<void>;
  fault(port: number): string | undefined;
};

type Decisions = ReadonlyMap<string, PortDecision>;

const RESYNC_MS = 30_000;
const SENDING_LOOK_MS = 500;
const KINDS = ["ArkEvent", "ArkTeam", "ArkAgent", "ArkService", "ArkSettings"] as const satisfies readonly Kind[];

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #pass: Coalesced;
  #sending: NodeJS.Timeout | undefined;
  #known = new Set<string>();
  #served = new Set<string>();
  #letters: Census | undefined;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#pass = new Coalesced(
      () => this.#reconcile(),
      (error) => deps.log.error({ err: error }, "reconcile failed"),
    );
  }

  /** Dead letters, by the last look. */
  get letters(): Census | undefined {
    return this.#letters;
  }

  /** Watches until `signal`; rejects when a watch breaks. */
  async run(signal: AbortSignal): Promise<void> {
    // A watch that breaks ends the others of its round: the next one begins all of them anew.
    const round = new AbortController();
    const until = AbortSignal.any([signal, round.signal]);
    // What no object tells: tokens of 24 hours, tasks that wait.
    const resync = setInterval(() => this.#pass.poke(), RESYNC_MS);
    try {
      await Promise.all(KINDS.map((kind) => this.#watch(kind, until)));
    } finally {
      clearInterval(resync);
      round.abort();
      await this.#pass.stop();
      clearTimeout(this.#sending);
    }
  }

  /** What an earlier process kept records of: of what is gone at the first pass, they go too. */
  async remember(): Promise<void> {
    const { objects } = this.#deps;
    this.#known = new Set((await objects.list("ArkEvent")).map(keyOf));
    this.#served = new Set((await objects.list("ArkService")).map(keyOf));
  }

  poke(): void {
    this.#pass.poke();
  }

  /** For what is only to be shown. */
  pokeSoon(): void {
    this.#pass.pokeSoon();
  }

  /** One whole pass over what is there now; resolves when it is done. */
  async settle(): Promise<void> {
    this.#pass.poke();
    await this.#pass.idle();
  }

  async #watch(kind: (typeof KINDS)[number], signal: AbortSignal): Promise<void> {
    const known = new Map<string, ObjectOf<Kind>>();
    for await (const { type, object } of this.#deps.objects.watch(kind, { signal })) {
      const before = known.get(keyOf(object));
      if (type === "deleted") known.delete(keyOf(object));
      else known.set(keyOf(object), object);
      if (type === "modified" && before !== undefined && isStatusAlone(object, before)) this.#pass.pokeSoon();
      else this.#pass.poke();
    }
  }

  async #reconcile(): Promise<void> {
    const { objects, secrets, env, providers, onWorld } = this.#deps;
    const observed = await this.#observe();
    const { refused, isChanged } = await keepRoleAgents(observed, objects);
    const agents = isChanged ? await objects.list("ArkAgent") : observed.agents;
    const world = { events: observed.events, agents: resolveAll({ ...observed, agents }, secrets, env, providers) };
    await this.#triggers(observed);
    const decisions = await this.#services(observed);
    onWorld(world);
    await this.#statuses({ ...observed, agents }, world, refused, decisions);
  }

  async #observe(): Promise<Observed> {
    const { objects } = this.#deps;
    const [events, teams, agents, settings, services] = await Promise.all([
      objects.list("ArkEvent"),
      objects.list("ArkTeam"),
      objects.list("ArkAgent"),
      objects.list("ArkSettings"),
      objects.list("ArkService"),
    ]);
    return { events, teams, agents, settings, services };
  }

  async #triggers({ events, teams }: Observed): Promise<void> {
    const { triggers, replays, secrets } = this.#deps;
    const teamByKey = byKey(teams);
    const present = new Set<string>();
    for (const event of events) {
      const { namespace = "default", name = "" } = event.metadata;
      const isWebhook = event.spec.source.type === "webhook";
      const digest = isWebhook ? tokenDigest(await secrets.webhookToken(namespace, name)) : undefined;
      await triggers.put(triggerRecord(event, (team) => teamByKey.get(`${namespace}/${team}`), digest));
      present.add(keyOf(event));
    }
    for (const key of [...this.#known].filter((one) => !present.has(one))) {
      const [namespace = "", name = ""] = key.split("/");
      await triggers.delete(namespace, name);
      await replays.delete(namespace, name);
    }
    this.#known = present;
  }

  async #services({ services }: Observed): Promise<Decisions> {
    const { ports, secrets, services: store, webhookBase } = this.#deps;
    const decisions = assignPorts(services, { reserved: ownPort(webhookBase()), most: MOST_PORTS });
    const present = new Set<string>();
    const records: ServiceRecord[] = [];
    for (const service of services) {
      const { namespace = "default", name = "" } = service.metadata;
      const digest = tokenDigest(await secrets.serviceToken(namespace, name));
      const record = serviceRecord(service, digest, decisions.get(keyOf(service))?.won ?? []);
      await store.put(record);
      records.push(record);
      present.add(keyOf(service));
    }
    for (const key of [...this.#served].filter((one) => !present.has(one))) {
      const [namespace = "", name = ""] = key.split("/");
      await store.delete(namespace, name);
    }
    this.#served = present;
    await ports()?.use(records);
    return decisions;
  }

  async #serviceStatuses({ services }: Observed, world: World, decisions: Decisions): Promise<void> {
    const { objects, now, ports, webhookBase } = this.#deps;
    const opened = ports();
    for (const service of services) {
      const { namespace = "default", name = "" } = service.metadata;
      const state = world.agents.get(`${namespace}/${service.spec.selector.arkAgent}`);
      const replicas = state?.agent.spec.replicas ?? 0;
      const resolved = state?.resolution.kind === "resolved";
      const conflict = conflictOf(service, decisions, opened);
      const status = serviceStatus(service, {
        hasAgent: () => state !== undefined,
        ready: resolved ? Math.min(replicas, 1) : 0,
        canWake: replicas > 0,
        url: `${webhookBase()}/services/${namespace}/${name}`,
        ...(conflict !== undefined && { portConflict: conflict }),
        now: now(),
      });
      await writeStatusIfChanged(objects, "ArkService", service, status);
    }
  }

  async #statuses(observed: Observed, world: World, refused: Refused, decisions: Decisions): Promise<void> {
    const teams = byKey(observed.teams);
    for (const team of observed.teams)
      await this.#teamStatus(team, refused.get(keyOf(team)) ?? judge(team, teams, world), world);
    await this.#eventStatuses(observed, teams, world);
    await this.#agentStatuses(world);
    await this.#serviceStatuses(observed, world, decisions);
    const { now, objects } = this.#deps;
    for (const one of observed.settings)
      await writeStatusIfChanged(objects, "ArkSettings", one, settingsStatus(one, now()));
  }

  async #teamStatus(team: ArkTeam, verdict: Verdict, world: World): Promise<void> {
    const { objects, now, runsOf } = this.#deps;
    const { namespace = "default" } = team.metadata;
    const agent = (one: string) => world.agents.get(`${namespace}/${one}`)?.agent;
    const status = teamStatus(team, { verdict, runs: runsOf(keyOf(team)), agent, now: now() });
    await writeStatusIfChanged(objects, "ArkTeam", team, status);
  }

  async #eventStatuses({ events }: Observed, teams: ReadonlyMap<string, ArkTeam>, world: World): Promise<void> {
    const { eventStatuses, now, webhookBase } = this.#deps;
    for (const event of events) await this.#sendAgain(event);
    this.#letters = await this.#deps.letters.census();
    const { counts } = this.#letters;
    for (const event of events) {
      const { namespace = "default" } = event.metadata;
      const fault = sourceFault(JSON.stringify(event.spec.source));
      const status = (stored: ArkEvent) =>
        eventStatus(stored, {
          team: (name) => teams.get(`${namespace}/${name}`),
          hasAgent: (name) => world.agents.has(`${namespace}/${name}`),
          webhookBase: webhookBase(),
          ...(fault !== undefined && { sourceFault: fault }),
          deadLetters: counts.get(keyOf(event)) ?? 0,
          now: now(),
        });
      await eventStatuses.refresh(event, status);
    }
  }

  /** Whether the run of the dead letter before has ended. */
  #lookSoon(): void {
    clearTimeout(this.#sending);
    this.#sending = setTimeout(() => this.#pass.poke(), SENDING_LOOK_MS);
  }

  async #sendAgain(event: ArkEvent): Promise<void> {
    const outcome = await replayWhenAsked(event, this.#deps);
    const { namespace, name } = event.metadata;
    if (outcome.kind === "going") this.#lookSoon();
    if (outcome.kind === "replayed")
      this.#deps.log.info({ namespace, event: name, detail: outcome.message }, "replayed");
    if (outcome.kind === "refused")
      this.#deps.log.warn({ namespace, event: name, detail: outcome.message }, "not replayed");
  }

  async #agentStatuses(world: World): Promise<void> {
    const { objects, now, tasks, usage } = this.#deps;
    for (const { agent, resolution } of world.agents.values()) {
      const { namespace = "default", name = "" } = agent.metadata;
      const { waiting } = await tasks.pending({ namespace, agent: name });
      const used = await usage.last24h({ namespace, agent: name }, now());
      const ready = Math.min(agent.spec.replicas, 1);
      const status = agentStatus(agent, {
        ...(resolution.kind === "unresolved" && { unresolved: resolution }),
        ...(resolution.kind === "resolved" && { promptHash: promptHash(resolution.agent.systemPrompt) }),
        ...(await lastSeen(agent, this.#deps)),
        ready,
        desired: Math.min(instancesFor(waiting, agentScale(agent.spec)), ready),
        pendingTasks: waiting,
        used,
        now: now(),
      });
      await writeStatusIfChanged(objects, "ArkAgent", agent, status);
    }
  }
}

function judge(team: ArkTeam, teams: ReadonlyMap<string, ArkTeam>, world: World): Verdict {
  const { namespace = "default", name = "" } = team.metadata;
  const planned = planTeam(name, team.spec);
  return judgeTeam(team, {
    faults: planned.kind === "faults" ? planned.faults : [],
    hasAgent: (agent) => world.agents.has(`${namespace}/${agent}`),
    team: (other) => teams.get(`${namespace}/${other}`),
  });
}

/** Where nobody opens ports nobody is in another's way. */
function conflictOf(service: ArkService, decisions: Decisions, opened: OpensPorts | undefined): string | undefined {
  const decision = decisions.get(keyOf(service));
  if (decision === undefined || opened === undefined) return undefined;
  return portConflict(service, decision, (port) => opened.fault(port));
}

function ownPort(base: string): ReadonlyMap<number, string> {
  const port = Number(URL.parse(base)?.port);
  return new Map(port > 0 ? [[port, "this server's own"]] : []);
}

function promptHash(prompt: string): string {
  return `sha256:${createHash("sha256").update(prompt).digest("hex")}`;
}

/** CloudEvents SQL is evaluated by Knative's broker; nothing on this machine does. */
function sourceFault(source: string): string | undefined {
  return source.includes('"cesql":')
    ? "spec.source.cloudevent.filters: cesql filters work on a cluster alone; use exact, prefix, suffix, all, any, not"
    : undefined;
}
