/**
 * The port `Objects` on the Kubernetes API.
 *
 * O1  `apply` is server-side apply under one field manager; it never touches what others own.
 * O2  A status is written through the status subresource, whole, in one request without a read.
 */
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import { type Kind, type ObjectOf, PLURALS } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { CreateOutcome, Objects, UpdateOutcome, WatchEvent } from "#core/ports/objects.ts";
import { isTaken, type Kube, type KubeAnswer, messageOf } from "./client.ts";
import { listObjects, watchObjects } from "./watch.ts";

const MAX_UPDATES = 20;

/** An answer that no caller expects: refused by RBAC, by a schema, by an admission policy. */
export class ApiRefused extends Error {
  override readonly name = "ApiRefused";
  readonly status: number;
  constructor(answer: KubeAnswer, what: string) {
    super(`${what}: ${messageOf(answer.body)} (HTTP ${answer.status})`);
    this.status = answer.status;
  }
}

export function pathOf(kind: Kind, namespace?: string, name?: string): string {
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `/apis/${API_VERSION}${scope}/${PLURALS[kind]}${name === undefined ? "" : `/${name}`}`;
}

export function kubeObjects(kube: Kube, fieldManager: string): Objects {
  return new KubeObjects(kube, fieldManager);
}

class KubeObjects implements Objects {
  readonly #kube: Kube;
  readonly #fieldManager: string;

  constructor(kube: Kube, fieldManager: string) {
    this.#kube = kube;
    this.#fieldManager = fieldManager;
  }

  async get<K extends Kind>(kind: K, key: ObjectKey): Promise<ObjectOf<K> | undefined> {
    const answer = await this.#kube.request({ method: "GET", path: pathOf(kind, key.namespace, key.name) });
    if (answer.status === 404) return undefined;
    return expect200<ObjectOf<K>>(answer, `get ${kind} ${key.name}`);
  }

  async list<K extends Kind>(
    kind: K,
    {
      namespace,
      labels = {},
    }: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> } = {},
  ): Promise<readonly ObjectOf<K>[]> {
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const options = selector.length === 0 ? {} : { labelSelector: selector.join(",") };
    const { items } = await listObjects<ObjectOf<K>>(this.#kube, pathOf(kind, namespace), options);
    return items.map((item) => typed(kind, item));
  }

  async create<K extends Kind>(kind: K, object: ObjectOf<K>): Promise<CreateOutcome<K>> {
    const key = nameOf(object);
    const answer = await this.#kube.request({
      method: "POST",
      path: pathOf(kind, key.namespace),
      query: { fieldManager: this.#fieldManager },
      body: object,
    });
    if (isTaken(answer)) {
      const existing = await this.get(kind, key);
      // Deleted between the two: the name is free again.
      return existing === undefined ? this.create(kind, object) : { kind: "exists", object: existing };
    }
    return { kind: "created", object: expect200<ObjectOf<K>>(answer, `create ${kind} ${key.name}`) };
  }

  async apply<K extends Kind>(kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>> {
    const { namespace, name } = nameOf(object);
    const { labels, annotations, ownerReferences } = object.metadata;
    const metadata = {
      name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(ownerReferences && { ownerReferences }),
    };
    const answer = await this.#kube.request({
      method: "PATCH",
      path: pathOf(kind, namespace, name),
      query: { fieldManager: this.#fieldManager, force: "true" },
      contentType: "application/apply-patch+yaml",
      body: { apiVersion: API_VERSION, kind, metadata, spec: object.spec },
    });
    return expect200<ObjectOf<K>>(answer, `apply ${kind} ${name}`);
  }

  async update<K extends Kind>(
    kind: K,
    key: ObjectKey,
    change: (object: ObjectOf<K>) => ObjectOf<K>,
  ): Promise<UpdateOutcome<K>> {
    for (let round = 0; round < MAX_UPDATES; round++) {
      const object = await this.get(kind, key);
      if (object === undefined) return { kind: "absent" };
      const answer = await this.#kube.request({
        method: "PUT",
        path: pathOf(kind, key.namespace, key.name),
        query: { fieldManager: this.#fieldManager },
        body: change(object),
      });
      if (answer.status === 404) return { kind: "absent" };
      if (answer.status !== 409)
        return { kind: "updated", object: expect200<ObjectOf<K>>(answer, `update ${kind} ${key.name}`) };
    }
    return { kind: "conflict" };
  }

  async writeStatus<K extends Kind>(
    kind: K,
    key: ObjectKey,
    status: NonNullable<ObjectOf<K>["status"]>,
  ): Promise<UpdateOutcome<K>> {
    const answer = await this.#kube.request({
      method: "PATCH",
      path: `${pathOf(kind, key.namespace, key.name)}/status`,
      query: { fieldManager: this.#fieldManager },
      contentType: "application/json-patch+json",
      body: [{ op: "add", path: "/status", value: status }],
    });
    if (answer.status === 404) return { kind: "absent" };
    if (answer.status === 409) return { kind: "conflict" };
    return { kind: "updated", object: expect200<ObjectOf<K>>(answer, `write the status of ${kind} ${key.name}`) };
  }

  async delete(kind: Kind, key: ObjectKey): Promise<"deleted" | "absent"> {
    const answer = await this.#kube.request({
      method: "DELETE",
      path: pathOf(kind, key.namespace, key.name),
      query: { propagationPolicy: "Background" },
    });
    if (answer.status === 404) return "absent";
    expect200(answer, `delete ${kind} ${key.name}`);
    return "deleted";
  }

  async *watch<K extends Kind>(
    kind: K,
    { namespace, signal }: { readonly namespace?: string; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<K>> {
    for await (const { type, object } of watchObjects<ObjectOf<K>>(this.#kube, pathOf(kind, namespace), { signal }))
      yield { type, object: typed(kind, object) };
  }
}

function expect200<T>(answer: KubeAnswer, what: string): T {
  if (answer.status < 200 || answer.status > 299) throw new ApiRefused(answer, what);
  return answer.body as T;
}

/** Items of a list carry neither kind nor apiVersion. */
function typed<K extends Kind>(kind: K, object: ObjectOf<K>): ObjectOf<K> {
  return { ...object, apiVersion: API_VERSION, kind };
}
