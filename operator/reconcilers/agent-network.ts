/**
 * The NetworkPolicy of an agent, from what its addresses are in the cluster now.
 *
 * Y1  It is there before the Service whose pods it confines.
 * Y2  A service that is not there is not reached; it is looked for again with all else the agent refers to.
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { Deps } from "../deps.ts";
import { agentServiceName } from "../resources/names.ts";
import { networkPolicy, type Reach } from "../resources/network-policy.ts";
import { type Destination, destinationOf, destinationsOf, hostDestination, type Where } from "../state/destinations.ts";

/** Why it could not be written, or undefined. */
export async function confine(agent: ArkAgent, modelUrl: string, deps: Deps): Promise<string | undefined> {
  const { applier, config, informers } = deps;
  const key = nameOf(agent);
  const child = { namespace: key.namespace, name: agentServiceName(key) };
  const live = informers.networkPolicies.get(`${child.namespace}/${child.name}`);
  const where = { namespace: key.namespace, clusterDomain: config.clusterDomain };
  const isOpen = agent.spec.networkPolicy === "disabled";
  const spans = destinationOf(config.executor.tracing["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "", where);
  const wanted = [
    ...destinationsOf(agent.spec, modelUrl, where),
    ...spans,
    ...destinationOf(config.collectorUrl, where),
  ];
  const named = isOpen ? [] : await reachAll(wanted, where, deps);
  const policy = networkPolicy(agent, natsOf(config.executor.natsUrl, where), named);
  if (policy === undefined) {
    await applier.remove("NetworkPolicy", child, live);
    return undefined;
  }
  const outcome = await applier.ensure("NetworkPolicy", policy, live);
  return outcome.kind === "refused" ? outcome.message : undefined;
}

/** An agent that cannot reach it is dead, so its namespace does where its pods might be looked up wrongly. */
function natsOf(urls: string, where: Where): readonly Reach[] {
  return urls
    .split(",")
    .flatMap((url) => destinationOf(url.includes("://") ? url.trim() : `nats://${url.trim()}`, where))
    .map((one): Reach => {
      if (one.kind === "public") return { kind: "anywhere", port: one.port };
      return one.kind === "service" ? { kind: "namespace", namespace: one.namespace, port: one.port } : one;
    });
}

async function reachAll(all: readonly Destination[], where: Where, deps: Deps): Promise<readonly Reach[]> {
  const reached = await Promise.all(all.map((one) => reachOf(one, where, deps, MAX_ALIASES)));
  return [...new Map(reached.flat().map((one) => [JSON.stringify(one), one])).values()];
}

/** A service of Knative is an alias of its gateway; an alias of an alias is nobody's habit. */
const MAX_ALIASES = 3;

async function reachOf(one: Destination, where: Where, deps: Deps, aliases: number): Promise<readonly Reach[]> {
  if (one.kind !== "service") return [one];
  const { namespace, name, port } = one;
  const service = await deps.references.service(namespace, name);
  switch (service.kind) {
    case "absent":
      return [];
    case "alias": {
      if (aliases === 0) return [];
      const further = hostDestination(service.host, port, { ...where, namespace });
      return (await Promise.all(further.map((each) => reachOf(each, where, deps, aliases - 1)))).flat();
    }
    case "unselected":
      return [{ kind: "anywhere", port: service.portOf(port) }];
    case "pods":
      return [{ kind: "pods", namespace, labels: service.labels, port: service.portOf(port) }];
  }
}
