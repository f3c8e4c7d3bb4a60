/**
 * The port `Cluster` on Kubernetes, by the user's own RBAC: objects and Secrets by the API server, fires and the record
 * of runs by the front door. Nothing is executed in a pod, and no credential of the broker is needed (api 14).
 */
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { Kube } from "#platform/kube/client.ts";
import type { KubeSource } from "#platform/kube/config.ts";
import type { listObjects, watchObjects } from "#platform/kube/watch.ts";
import type { Change, Cluster, FactLine, FactOptions, FireAnswer, FireRequest, Key, ListOptions } from "../cluster.ts";
import { kubeError } from "./errors.ts";
import { DOOR, doorAt, doorByProxy, doorThrough, firstOpen, jsonOf, type FrontDoor } from "./front-door.ts";
import type { Pace } from "./patience.ts";
import { ANSWER_MS, RunFacts } from "./run-facts.ts";

export type KubeClusterOptions = KubeSource & {
  /** Address of the front door, where an Ingress leads to it. */
  readonly server?: string;
  readonly tell: (text: string) => void;
};

type Api = {
  readonly kube: Kube;
  readonly objects: Objects;
  readonly watches: { readonly listObjects: typeof listObjects; readonly watchObjects: typeof watchObjects };
  readonly pathOf: (kind: Kind, namespace?: string, name?: string) => string;
};

const FIELD_MANAGER = "ark";
const PACE: Pace = {
  now: () => performance.now(),
  random: Math.random,
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

/** Throws ArkError `server.unreachable` when no kubeconfig names a cluster. Asks nothing of the cluster yet. */
export async function kubeCluster(options: KubeClusterOptions): Promise<Cluster> {
  const [{ openKube }, { kubeObjects, pathOf }, watches, { portForwarder }, { serviceProxy }] = await Promise.all([
    import("#platform/kube/client.ts"),
    import("#platform/kube/objects.ts"),
    import("#platform/kube/watch.ts"),
    import("#platform/kube/port-forward.ts"),
    import("#platform/kube/service-proxy.ts"),
  ]);
  const kube = openKube(options);
  const connect = async (): Promise<Duplex> => portForwarder(options, kube)(DOOR);
  const within = () => firstOpen(doorByProxy(serviceProxy(options, DOOR)), doorThrough(connect));
  const door = options.server === undefined ? within() : doorAt(options.server);
  return new KubeCluster({ kube, objects: kubeObjects(kube, FIELD_MANAGER), watches, pathOf }, door, options.tell);
}

class KubeCluster implements Cluster {
  readonly description: string;
  readonly namespace: string;
  readonly #api: Api;
  readonly #door: FrontDoor;
  readonly #facts: RunFacts;

  constructor(api: Api, door: FrontDoor, tell: (text: string) => void) {
    this.#api = api;
    this.#door = door;
    this.description = `the cluster at ${api.kube.server}`;
    this.namespace = api.kube.namespace;
    this.#facts = new RunFacts({
      door,
      tell,
      get: (run) => this.get("ArkRun", run),
      watch: (run, signal) => this.watch("ArkRun", run, signal),
      secret: (key) => this.secret(key),
      pace: PACE,
    });
  }

  get<K extends Kind>(kind: K, key: Key): Promise<ObjectOf<K> | undefined> {
    return this.#answered(this.#api.objects.get(kind, key));
  }

  async list<K extends Kind>(kind: K, options: ListOptions): Promise<readonly ObjectOf<K>[]> {
    const { kube, watches, pathOf } = this.#api;
    const path = pathOf(kind, options.namespace);
    const { items } = await this.#answered(watches.listObjects<ObjectOf<K>>(kube, path, selectors(options)));
    return items.map((item) => whole(kind, item));
  }

  async create<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
  ): Promise<{ kind: "created"; object: ObjectOf<K> } | { kind: "exists" }> {
    const outcome = await this.#answered(this.#api.objects.create(kind, object));
    return outcome.kind === "created" ? outcome : { kind: "exists" };
  }

  async patch<K extends Kind>(kind: K, { namespace, name }: Key, patch: object): Promise<ObjectOf<K> | undefined> {
    const { kube, pathOf } = this.#api;
    const path = pathOf(kind, namespace, name);
    const contentType = "application/merge-patch+json";
    const query = { fieldManager: FIELD_MANAGER };
    const { status, body } = await this.#answered(
      kube.request({ method: "PATCH", path, query, contentType, body: patch }),
    );
    if (status === 404) return undefined;
    return this.#expected<ObjectOf<K>>(status, body, `patch ${kind} ${name}`);
  }

  delete(kind: Kind, key: Key): Promise<"deleted" | "absent"> {
    return this.#answered(this.#api.objects.delete(kind, key));
  }

  async *watch<K extends Kind>(kind: K, options: ListOptions, signal: AbortSignal): AsyncGenerator<Change<K>> {
    const { kube, watches, pathOf } = this.#api;
    const path = pathOf(kind, options.namespace);
    try {
      const changes = watches.watchObjects<ObjectOf<K>>(kube, path, { ...selectors(options), signal });
      for await (const { type, object } of changes) yield { type, object: whole(kind, object) };
    } catch (error) {
      throw kubeError(error, kube.server);
    }
  }

  facts(run: Key, options: FactOptions, signal: AbortSignal): AsyncIterable<FactLine> {
    return this.#facts.read(run, options, signal);
  }

  output(run: Key, signal: AbortSignal): Promise<string | undefined> {
    return this.#facts.output(run, signal);
  }

  async secret({ namespace, name }: Key): Promise<Readonly<Record<string, string>> | undefined> {
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const { status, body } = await this.#answered(this.#api.kube.request({ method: "GET", path }));
    if (status === 404) return undefined;
    const { data = {} } = await this.#expected<{ data?: Readonly<Record<string, string>> }>(
      status,
      body,
      `get ${name}`,
    );
    const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]);
    return Object.fromEntries(decoded);
  }

  async fire({ key, token, body, syncMs, idempotencyKey }: FireRequest, signal: AbortSignal): Promise<FireAnswer> {
    const query = syncMs === undefined ? "" : `?mode=sync&timeout=${syncMs}ms`;
    const answer = await this.#door.send({
      method: "POST",
      path: `/triggers/${key.namespace}/${key.name}${query}`,
      token,
      body,
      headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
      timeoutMs: ANSWER_MS + (syncMs ?? 0),
      signal,
    });
    const replayed = answer.header("idempotency-replayed") === "true";
    return { status: answer.status, replayed, body: await jsonOf(answer) };
  }

  async #answered<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw kubeError(error, this.#api.kube.server);
    }
  }

  async #expected<T>(status: number, body: unknown, what: string): Promise<T> {
    if (status >= 200 && status <= 299) return body as T;
    const { ApiRefused } = await import("#platform/kube/objects.ts");
    throw kubeError(new ApiRefused({ status, body }, what), this.#api.kube.server);
  }
}

function selectors({ labels = {}, name }: ListOptions): { labelSelector?: string; fieldSelector?: string } {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    ...(wanted.length === 0 ? {} : { labelSelector: wanted.join(",") }),
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
  };
}

/** Items of a list carry neither kind nor apiVersion. */
function whole<K extends Kind>(kind: K, object: ObjectOf<K>): ObjectOf<K> {
  return { ...object, apiVersion: "arkonis.dev/v1alpha1", kind };
}
