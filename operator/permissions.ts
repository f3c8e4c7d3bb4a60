/**
 * What the operator may do, as data: its RBAC is generated from here, and a test holds the two together (D41).
 * Secrets are neither listed nor watched: one is read by its name alone (D43).
 */
export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Of these names alone. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

const ARK = ["arkonis.dev"];
const READ = ["get", "list", "watch"];
const OWN = ["get", "list", "watch", "create", "patch", "delete"];

/** In every namespace. */
export const CLUSTER_RULES: readonly Rule[] = [
  { apiGroups: ARK, resources: ["arkevents", "arkteams", "arkservices", "arksettings"], verbs: READ },
  { apiGroups: ARK, resources: ["arkagents"], verbs: OWN },
  // update: the snapshot of a run made by hand; patch: its finalizer.
  { apiGroups: ARK, resources: ["arkruns"], verbs: ["get", "list", "watch", "update", "patch", "delete"] },
  {
    apiGroups: ARK,
    resources: ["arkevents/status", "arkteams/status", "arkagents/status", "arkservices/status", "arksettings/status"],
    verbs: ["patch"],
  },
  // OwnerReferencesPermissionEnforcement: children that block their owner's deletion.
  {
    apiGroups: ARK,
    resources: ["arkevents/finalizers", "arkteams/finalizers", "arkagents/finalizers", "arkservices/finalizers"],
    verbs: ["update"],
  },
  { apiGroups: ["eventing.knative.dev"], resources: ["triggers"], verbs: OWN },
  { apiGroups: ["eventing.knative.dev"], resources: ["brokers"], verbs: ["get", "create", "patch"] },
  { apiGroups: ["eventing.knative.dev"], resources: ["eventtypes"], verbs: ["get", "create", "patch"] },
  // Triggers go one after another: is that of the last one gone?
  { apiGroups: ["messaging.knative.dev"], resources: ["subscriptions"], verbs: ["list"] },
  { apiGroups: ["sources.knative.dev"], resources: ["pingsources"], verbs: OWN },
  { apiGroups: ["serving.knative.dev"], resources: ["services"], verbs: OWN },
  { apiGroups: ["serving.knative.dev"], resources: ["revisions"], verbs: ["list", "watch"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch", "create", "patch"] },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: OWN },
  // Of a service that an agent names: which pods a network policy must let it reach.
  { apiGroups: [""], resources: ["services"], verbs: ["get"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get", "create"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
];

/** In its own namespace. */
export const NAMESPACE_RULES: readonly Rule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"] },
  // Its own Service: ports of ArkServices.
  { apiGroups: [""], resources: ["services"], resourceNames: ["ark-operator"], verbs: ["patch"] },
];
