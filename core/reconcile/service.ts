/** What an ArkService becomes: the record that its router reads, and its status (api 5). */
import type { ArkService, ArkServiceStatus } from "#core/api/v1alpha1/ark-service.ts";
import type { ServicePort, ServiceRecord } from "#core/ports/services.ts";
import { type Verdict, withCondition } from "./conditions.ts";

export type ServiceWorld = {
  readonly hasAgent: (name: string) => boolean;
  /** Instances of the agent that take tasks now. */
  readonly ready: number;
  /** Whether an instance can be woken: an agent with `replicas: 0` sleeps on. */
  readonly canWake: boolean;
  /** Where tasks are posted; absent while nobody serves it. */
  readonly url?: string;
  /** A port that another service has, or that cannot be opened. */
  readonly portConflict?: string;
  /** Why it could not be reconciled, from whoever tried. */
  readonly fault?: string;
  readonly now: number;
};

/** `tokenDigest` is `sha256:<hex>`; `ports`: those that it has. */
export function serviceRecord(
  { metadata, spec }: ArkService,
  tokenDigest: string,
  ports: readonly ServicePort[],
): ServiceRecord {
  const { namespace = "default", name = "", uid = "", generation = 1 } = metadata;
  return {
    namespace,
    name,
    uid,
    generation,
    agent: spec.selector.arkAgent,
    strategy: spec.routing.strategy,
    protocols: spec.ports.map(({ protocol }) => protocol),
    ports,
    tokenDigest,
  };
}

export function serviceStatus(service: ArkService, world: ServiceWorld): ArkServiceStatus {
  const { generation = 1 } = service.metadata;
  const { address: _address, ...kept } = service.status ?? {};
  const hasAgent = world.hasAgent(service.spec.selector.arkAgent);
  return {
    ...kept,
    observedGeneration: generation,
    conditions: withCondition(kept.conditions, "Ready", judge(service, world), { now: world.now, generation }),
    readyReplicas: hasAgent ? world.ready : 0,
    ...(world.url !== undefined && { address: { url: world.url } }),
  };
}

/** An agent that sleeps is no fault: a task wakes it. */
function judge({ spec }: ArkService, world: ServiceWorld): Verdict {
  const { arkAgent } = spec.selector;
  if (world.fault !== undefined) return no("ReconcileError", world.fault);
  if (arkAgent === "") return no("NoSelector", "spec.selector.arkAgent names no agent");
  if (!world.hasAgent(arkAgent)) return no("AgentNotFound", `spec.selector.arkAgent: no ArkAgent "${arkAgent}"`);
  if (world.portConflict !== undefined) return no("PortConflict", world.portConflict);
  if (world.ready === 0 && !world.canWake)
    return no("NoReadyReplicas", `agent ${arkAgent} has replicas 0: tasks are refused after a wait`);
  return { status: "True", reason: "Reconciled", message: "tasks are taken" };
}

function no(reason: string, message: string): Verdict {
  return { status: "False", reason, message };
}
