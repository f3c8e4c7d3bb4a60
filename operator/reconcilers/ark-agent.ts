/**
 * ArkAgent → its file in a ConfigMap, its NetworkPolicy, its Knative Service, its status.
 *
 * G1  An agent that cannot be resolved keeps the Service it has, and is given none: pods of it would only fail (D49).
 * G2  The file is there before the revision that reads it, and the queue before the guest that pulls from it.
 * G3  What waits for an agent when it goes fails, also when it went while nobody looked; what comes later waits for an
 *     agent of that name, as a task that was there first does (D3). Its pods end what they hold.
 * G4  Agents that cannot be seen are not gone (D51).
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import { agentStatus } from "#core/reconcile/agent.ts";
import { agentScale, instancesFor } from "#core/reconcile/agent-scale.ts";
import { lastSeen } from "#core/reconcile/last-seen.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { DONE, type Deps, splitKey } from "../deps.ts";
import { workKey } from "../keys.ts";
import { agentConfigMap, agentFile } from "../resources/agent-config.ts";
import { agentService } from "../resources/agent-service.ts";
import { agentServiceName, digest, eventAddress } from "../resources/names.ts";
import { agentRefs, type AgentRefs } from "../state/agent-refs.ts";
import { agentReadiness, type Unready } from "../state/agent-readiness.ts";
import { agentTurns } from "../state/agent-turns.ts";
import { regarding, tellNormal, tellTurn } from "../tell.ts";
import { writeStatus } from "../write-status.ts";
import { lookUp, type LookedUp } from "./agent-lookups.ts";
import { confine } from "./agent-network.ts";

export async function reconcileAgent(key: string, deps: Deps): Promise<WorkOutcome> {
  const agent = deps.informers.agents.get(key);
  if (agent === undefined) return forget(key, deps);
  if (agent.metadata.deletionTimestamp !== undefined) return DONE;
  await deps.recordTokens.ensure(nameOf(agent).namespace);
  const [fault] = await deps.judged.agents.of(key, agent);
  if (fault !== undefined)
    return unresolved(agent, { reason: fault.reason, message: `${fault.path}: ${fault.message}` }, deps);
  const refs = agentRefs(agent);
  const { resolution, ...found } = await lookUp(agent, refs, deps);
  if (resolution.kind === "unresolved") return unresolved(agent, resolution, deps);
  const promptHash = `sha256:${digest(resolution.agent.systemPrompt)}`;
  const unconfined = await confine(agent, resolution.agent.provider.baseUrl, deps);
  const refused =
    unconfined === undefined
      ? await reconcileChildren(agent, refs, promptHash, found, deps)
      : { reason: "ReconcileError", message: unconfined };
  const service = deps.informers.services.get(serviceKey(agent));
  await showStatus(agent, refused ?? agentReadiness(service), promptHash, deps);
  if (refused !== undefined) return { kind: "retry", reason: refused.message };
  return { kind: "wait", reason: "next look at what it refers to", afterMs: deps.config.resyncMs };
}

/** G1. */
async function unresolved(agent: ArkAgent, { reason, message }: Unready, deps: Deps): Promise<WorkOutcome> {
  await showStatus(agent, { reason, message }, undefined, deps);
  return { kind: "wait", reason, afterMs: deps.config.resyncMs };
}

const HELD_LOOK_MS = 5_000;

/** G3, G4. Its Knative Service is owned, and goes with it. */
async function forget(key: string, deps: Deps): Promise<WorkOutcome> {
  const { config, departed, informers, judged, log, taskQueues } = deps;
  judged.agents.forget(key);
  const { fault } = informers.agents;
  if (fault !== undefined) return { kind: "wait", reason: fault, afterMs: config.resyncMs };
  if (!departed.has(key)) return DONE;
  const { namespace, name } = splitKey(key);
  const { failed, held } = await taskQueues.close({ namespace, agent: name });
  if (failed > 0) log.info({ namespace, agent: name, failed }, "tasks of a deleted agent failed");
  if (held > 0) return { kind: "wait", reason: "its pods end what they hold", afterMs: HELD_LOOK_MS };
  departed.delete(key);
  return DONE;
}

/** G3: of agents that went while nobody looked, and of pods that outlived theirs, only queues are left. */
export async function pokeDeparted({ departed, informers, taskQueues, poke }: Deps): Promise<void> {
  for await (const { namespace, agent } of taskQueues.pools()) {
    const key = `${namespace}/${agent}`;
    if (informers.agents.get(key) !== undefined) continue;
    departed.add(key);
    poke(workKey("ArkAgent", key));
  }
}

async function reconcileChildren(
  agent: ArkAgent,
  refs: AgentRefs,
  promptHash: string,
  { version, natsSecret }: Omit<LookedUp, "resolution">,
  deps: Deps,
): Promise<Unready | undefined> {
  const { applier, config, informers } = deps;
  const { namespace } = nameOf(agent);
  const settings = refs.settings.flatMap((name) => informers.settings.get(`${namespace}/${name}`) ?? []);
  const file = agentFile(agent, settings);
  const key = serviceKey(agent);
  const written = await applier.ensure("ConfigMap", agentConfigMap(agent, file), informers.configMaps.get(key));
  if (written.kind === "refused") return { reason: "ReconcileError", message: written.message };
  if (natsSecret !== undefined) await deps.taskQueues.open({ namespace, agent: nameOf(agent).name });
  const configHash = digest(`${file}\n${version}`);
  const service = agentService({ agent, refs, promptHash, configHash, natsSecret }, config);
  const made = await applier.ensure("Service", service, informers.services.get(key));
  if (made.kind === "refused") return { reason: "ReconcileError", message: made.message };
  const before = agent.status?.systemPromptHash;
  if (made.kind === "applied" && before !== undefined && before !== promptHash)
    tellNormal(deps.recorder, regarding("ArkAgent", agent), "PromptRolledOut", "a changed prompt rolls a new revision");
  return undefined;
}

async function showStatus(
  agent: ArkAgent,
  unready: Unready | undefined,
  promptHash: string | undefined,
  deps: Deps,
): Promise<void> {
  const { config, informers, objects, backlogOf, usage, now } = deps;
  const { namespace, name } = nameOf(agent);
  const pods = [...informers.revisions.values()]
    .filter(({ labels }) => labels["serving.knative.dev/service"] === agentServiceName({ namespace, name }))
    .filter(({ namespace: of }) => of === namespace)
    .reduce((sum, { replicas }) => sum + replicas, 0);
  const pendingTasks = backlogOf({ namespace, agent: name });
  const status = agentStatus(agent, {
    ...(unready !== undefined && { unresolved: unready }),
    ...(promptHash !== undefined && { promptHash }),
    ready: pods,
    desired: instancesFor(pendingTasks, agentScale(agent.spec)),
    pendingTasks,
    used: await usage.last24h({ namespace, agent: name }, now()),
    ...(await lastSeen(agent, deps)),
    address: eventAddress(agent, config),
    now: now(),
  });
  for (const turn of agentTurns(status, agent.status)) tellTurn(deps.recorder, regarding("ArkAgent", agent), turn);
  await writeStatus(objects, "ArkAgent", agent, status);
}

function serviceKey(agent: ArkAgent): string {
  const key = nameOf(agent);
  return `${key.namespace}/${agentServiceName(key)}`;
}
