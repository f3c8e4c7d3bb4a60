/**
 * ArkService → token Secret, record for its router, the router's Knative Service, ports of the front door, status (api 5).
 *
 * S1  The record is stored before the status says Ready: who reads Ready can post tasks.
 * S2  A service that is gone leaves nothing: its record stands outside Kubernetes and is taken away here, also when the
 *     service went while nobody looked.
 * S3  Services that cannot be seen are not gone (D51).
 */
import { isDeepStrictEqual } from "node:util";
import { nameOf } from "#core/api/object-key.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import { portConflict } from "#core/reconcile/ports.ts";
import { serviceRecord, serviceStatus } from "#core/reconcile/service.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { DONE, type Deps, splitKey } from "../deps.ts";
import { workKey } from "../keys.ts";
import { routerServiceName } from "../resources/names.ts";
import { routerService } from "../resources/router-service.ts";
import { agentReadiness } from "../state/agent-readiness.ts";
import { writeStatus } from "../write-status.ts";
import { bearerToken } from "./bearer-token.ts";
import { natsCredentials } from "./nats-credentials.ts";

export async function reconcileService(key: string, deps: Deps): Promise<WorkOutcome> {
  const service = deps.informers.arkServices.get(key);
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return forget(key, deps);
  const fault = (await reconcileRecord(service, deps)) ?? (await reconcileRouter(service, deps));
  await deps.exposedPorts.expose();
  await showStatus(service, fault, deps);
  if (fault !== undefined) return { kind: "retry", reason: fault };
  return { kind: "wait", reason: "next look at its instances", afterMs: deps.config.resyncMs };
}

/** S2: of services that went while nobody looked, nothing else is left that would bring them here. */
export async function pokeForgotten({ informers, services, poke }: Deps): Promise<void> {
  for await (const { namespace, name } of services.list()) {
    const key = `${namespace}/${name}`;
    if (informers.arkServices.get(key) === undefined) poke(workKey("ArkService", key));
  }
}

/** S1. Why it has no token, or undefined. */
async function reconcileRecord(service: ArkService, deps: Deps): Promise<string | undefined> {
  const { services } = deps;
  const { namespace, name } = nameOf(service);
  const token = await bearerToken(service, deps);
  const known = await services.get(namespace, name);
  if (token.kind === "missing") {
    // Without its token the old one does not count either.
    if (known !== undefined) await services.delete(namespace, name);
    return token.message;
  }
  const record = serviceRecord(service, token.digest, deps.ports.decisionOf(service).won);
  if (!isDeepStrictEqual(known, record)) await services.put(record);
  return undefined;
}

/** What the API server would not take, or undefined. */
async function reconcileRouter(service: ArkService, deps: Deps): Promise<string | undefined> {
  const { applier, config, informers } = deps;
  const nats = await natsCredentials(service, deps);
  if (nats.kind === "missing") return nats.message;
  const made = await applier.ensure(
    "Service",
    routerService(service, nats.kind === "secret" ? nats.name : undefined, config),
    informers.services.get(routerKey(service)),
  );
  return made.kind === "refused" ? made.message : undefined;
}

async function showStatus(service: ArkService, fault: string | undefined, deps: Deps): Promise<void> {
  const { exposedPorts, informers, instances, now, objects, portFault, ports } = deps;
  const { namespace } = nameOf(service);
  const { arkAgent: agent } = service.spec.selector;
  const known = informers.agents.get(`${namespace}/${agent}`);
  const ready = (await instances.list({ namespace, agent })).filter((one) => one.ready).length;
  const router = informers.services.get(routerKey(service));
  // An agent that is missing is the greater trouble than a router that is being made.
  const unserved = fault ?? (known === undefined ? undefined : agentReadiness(router)?.message);
  const faultOf = (port: number) => exposedPorts.fault(port) ?? portFault(port);
  const conflict = portConflict(service, ports.decisionOf(service), faultOf);
  const status = serviceStatus(service, {
    hasAgent: () => known !== undefined,
    ready,
    canWake: known !== undefined && known.spec.replicas > 0,
    ...(router?.url !== undefined && { url: router.url }),
    ...(unserved !== undefined && { fault: unserved }),
    ...(conflict !== undefined && { portConflict: conflict }),
    now: now(),
  });
  await writeStatus(objects, "ArkService", service, status);
}

/** S2, S3. Its Secret and its Knative Service are owned, and go with it. */
async function forget(key: string, { config, exposedPorts, informers, services }: Deps): Promise<WorkOutcome> {
  const { fault } = informers.arkServices;
  if (fault !== undefined) return { kind: "wait", reason: fault, afterMs: config.resyncMs };
  const { namespace, name } = splitKey(key);
  await services.delete(namespace, name);
  await exposedPorts.expose();
  return DONE;
}

function routerKey(service: ArkService): string {
  const key = nameOf(service);
  return `${key.namespace}/${routerServiceName(key)}`;
}
