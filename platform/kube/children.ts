/**
 * Objects of other groups that Ark makes and follows: Knative's, Secrets, ConfigMaps.
 *
 * D1  `apply` is server-side apply under one field manager: what others own stays theirs.
 * D2  What the API server refuses is a value with its words; that it cannot be reached is `StoreUnavailable`.
 */
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import { isTaken, type Kube, type KubeAnswer, messageOf } from "./client.ts";
import { ApiRefused } from "./objects.ts";
import { type Change, type KubeObject, watchObjects } from "./watch.ts";

export type Resource = { readonly apiVersion: string; readonly kind: string; readonly plural: string };

const resource = (apiVersion: string, kind: string, plural: string): Resource => ({ apiVersion, kind, plural });

export const RESOURCES = {
  Trigger: resource("eventing.knative.dev/v1", "Trigger", "triggers"),
  Broker: resource("eventing.knative.dev/v1", "Broker", "brokers"),
  EventType: resource("eventing.knative.dev/v1beta3", "EventType", "eventtypes"),
  /** Of a Trigger, by Knative. */
  Subscription: resource("messaging.knative.dev/v1", "Subscription", "subscriptions"),
  PingSource: resource("sources.knative.dev/v1", "PingSource", "pingsources"),
  Service: resource("serving.knative.dev/v1", "Service", "services"),
  Revision: resource("serving.knative.dev/v1", "Revision", "revisions"),
  Secret: resource("v1", "Secret", "secrets"),
  ConfigMap: resource("v1", "ConfigMap", "configmaps"),
  /** Of the core group; `Service` is Knative's. */
  CoreService: resource("v1", "Service", "services"),
  NetworkPolicy: resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
} as const satisfies Readonly<Record<string, Resource>>;
export type ResourceName = keyof typeof RESOURCES;

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

export type ChildObject = KubeObject & {
  readonly metadata: {
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
    readonly deletionTimestamp?: string;
  };
};

export type ApplyOutcome =
  | { readonly kind: "applied"; readonly object: ChildObject }
  /** 404: its kind is not installed, or its namespace is gone. */
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

export type Children = {
  get(name: ResourceName, key: ObjectKey): Promise<ChildObject | undefined>;
  /** Empty where the kind is not installed. */
  list(name: ResourceName, namespace: string): Promise<readonly ChildObject[]>;
  apply(name: ResourceName, object: ChildObject): Promise<ApplyOutcome>;
  /** `exists` without touching what is there. */
  create(name: ResourceName, object: ChildObject): Promise<ApplyOutcome | { readonly kind: "exists" }>;
  /** Only an object of this uid, where one is given. */
  delete(name: ResourceName, key: ObjectKey, uid?: string): Promise<"deleted" | "absent">;
  watch(
    name: ResourceName,
    options: { readonly labelSelector: string; readonly signal: AbortSignal; readonly onSynced: () => void },
  ): AsyncIterable<Change<ChildObject>>;
};

export function resourcePath({ apiVersion, plural }: Resource, namespace?: string, name?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${root}${scope}/${plural}${name === undefined ? "" : `/${name}`}`;
}

export function kubeChildren(kube: Kube, fieldManager: string): Children {
  const at = (name: ResourceName, key?: ObjectKey) => resourcePath(RESOURCES[name], key?.namespace, key?.name);
  return {
    async get(name, key) {
      const answer = await kube.request({ method: "GET", path: at(name, key) });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new ApiRefused(answer, `get ${name} ${key.name}`);
      return answer.body as ChildObject;
    },
    async list(name, namespace) {
      const answer = await kube.request({ method: "GET", path: resourcePath(RESOURCES[name], namespace) });
      if (answer.status === 404) return [];
      if (answer.status !== 200) throw new ApiRefused(answer, `list ${name} in ${namespace}`);
      return (answer.body as { readonly items: readonly ChildObject[] }).items;
    },
    async apply(name, object) {
      const { apiVersion, kind } = RESOURCES[name];
      return outcomeOf(
        await kube.request({
          method: "PATCH",
          path: at(name, nameOf(object)),
          query: { fieldManager, force: "true" },
          contentType: "application/apply-patch+yaml",
          body: { ...object, apiVersion, kind },
        }),
      );
    },
    async create(name, object) {
      const { apiVersion, kind } = RESOURCES[name];
      const answer = await kube.request({
        method: "POST",
        path: resourcePath(RESOURCES[name], nameOf(object).namespace),
        query: { fieldManager },
        body: { ...object, apiVersion, kind },
      });
      return isTaken(answer) ? { kind: "exists" } : outcomeOf(answer);
    },
    async delete(name, key, uid) {
      const answer = await kube.request({
        method: "DELETE",
        path: at(name, key),
        query: { propagationPolicy: "Background" },
        ...(uid !== undefined && { body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } } }),
      });
      // 409: another object has the name by now.
      if (answer.status === 404 || answer.status === 409) return "absent";
      if (answer.status > 299) throw new ApiRefused(answer, `delete ${name} ${key.name}`);
      return "deleted";
    },
    watch: (name, options) => watchObjects<ChildObject>(kube, at(name), options),
  };
}

/** D2. */
function outcomeOf(answer: KubeAnswer): ApplyOutcome {
  const { status, body } = answer;
  if (status >= 200 && status <= 299) return { kind: "applied", object: body as ChildObject };
  return { kind: "refused", status, message: messageOf(body) };
}
