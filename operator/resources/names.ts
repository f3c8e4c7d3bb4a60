/** Names, labels and owners of what the operator makes. Names are derived, so a child is found without a search. */
import { createHash } from "node:crypto";
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { OwnerReference } from "#platform/kube/children.ts";

export const FIELD_MANAGER = "ark-operator";

export const LABELS = {
  managedBy: "app.kubernetes.io/managed-by",
  namespace: "arkonis.dev/namespace",
  event: "arkonis.dev/event",
  agent: "arkonis.dev/agent",
  team: "arkonis.dev/team",
  service: "arkonis.dev/service",
} as const;

export const MANAGED = { [LABELS.managedBy]: FIELD_MANAGER } as const;
export const MANAGED_SELECTOR = `${LABELS.managedBy}=${FIELD_MANAGER}`;

type Owner = {
  readonly kind: "ArkEvent" | "ArkAgent" | "ArkTeam" | "ArkService";
  readonly metadata: { readonly name?: string; readonly uid?: string };
};

/** Only for children in the owner's own namespace: Kubernetes collects a child whose owner it cannot find there. */
export function ownerOf({ kind, metadata }: Owner): OwnerReference {
  const { name = "", uid = "" } = metadata;
  return { apiVersion: API_VERSION, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Triggers of all namespaces stand in the Broker's: the digest keeps two events of one name apart. */
export function triggerName({ namespace, name }: ObjectKey): string {
  return `${name}-${digest(`${namespace}/${name}`).slice(0, 8)}`;
}

export function pingSourceName({ name }: ObjectKey): string {
  return `${name}-cron`;
}

export function webhookTokenName({ name }: ObjectKey): string {
  return `${name}-webhook-token`;
}

export function serviceTokenName({ name }: ObjectKey): string {
  return `${name}-service-token`;
}

/** ksvc of an ArkService's router. */
export function routerServiceName({ name }: ObjectKey): string {
  return `${name}-router`;
}

/** ksvc and ConfigMap of an agent. The suffix keeps them apart from the user's own, and from an ArkService's. */
export function agentServiceName({ name }: ObjectKey): string {
  return `${name}-agent`;
}

/** Where a Knative Service of the cluster is reached inside it. */
export function serviceUrl(
  name: string,
  namespace: string,
  { clusterDomain }: { readonly clusterDomain: string },
): string {
  return `http://${name}.${namespace}.svc.${clusterDomain}`;
}

/** Where any agent is, for `ARK_POOL_URL`. */
export function poolUrl(config: { readonly clusterDomain: string }): string {
  return serviceUrl(agentServiceName({ namespace: "{namespace}", name: "{agent}" }), "{namespace}", config);
}

type Addressable = Owner & { readonly metadata: { readonly namespace?: string } };
type Dispatcher = { readonly dispatcher: string; readonly namespace: string; readonly clusterDomain: string };

/** Where a CloudEvent starts a run of a team or an agent: the dispatcher, at a path of its own. */
export function eventAddress(object: Addressable, config: Dispatcher): string {
  const { namespace, name } = nameOf(object);
  return `${serviceUrl(config.dispatcher, config.namespace, config)}/addresses/${namespace}/${object.kind.toLowerCase()}/${name}`;
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
