/**
 * The port `Cluster` over the REST interface of `ark up`: Kubernetes-style paths, NDJSON watches.
 *
 * The objects come from the project's own server, which has judged them by their schemas; they are not judged again.
 */
import { ArkError } from "#core/errors.ts";
import { type Kind, type ObjectOf, PLURALS } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Change, Cluster, FactLine, FactOptions, FireAnswer, FireRequest, Key, ListOptions } from "./cluster.ts";
import { jsonLines } from "./ndjson.ts";
import { refused, Rest, type RestOptions } from "./rest.ts";

/** A sync webhook answers a moment after its own timeout. */
const SYNC_GRACE_MS = 15_000;

export function localCluster(options: RestOptions): Cluster {
  return new LocalCluster(new Rest(options));
}

function collectionPath(kind: Kind, namespace: string | undefined): string {
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${API_VERSION}${scope}/${PLURALS[kind]}`;
}

function objectPath(kind: Kind, key: Key): string {
  return `${collectionPath(kind, key.namespace)}/${encodeURIComponent(key.name)}`;
}

function queryOf(options: ListOptions, watch: boolean): string {
  const query = new URLSearchParams();
  const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  if (options.name !== undefined) query.set("fieldSelector", `metadata.name=${options.name}`);
  if (labels.length > 0) query.set("labelSelector", labels.join(","));
  if (watch) query.set("watch", "true");
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

class LocalCluster implements Cluster {
  readonly description: string;
  readonly namespace = "default";
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
    this.description = `the local server at ${rest.url}`;
  }

  async get<K extends Kind>(kind: K, key: Key): Promise<ObjectOf<K> | undefined> {
    return (await this.#rest.json(objectPath(kind, key))) as ObjectOf<K> | undefined;
  }

  async list<K extends Kind>(kind: K, options: ListOptions): Promise<readonly ObjectOf<K>[]> {
    const answer = await this.#rest.json(collectionPath(kind, options.namespace) + queryOf(options, false));
    return ((answer as { items?: readonly ObjectOf<K>[] } | undefined)?.items ?? []) as readonly ObjectOf<K>[];
  }

  async create<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
  ): Promise<{ kind: "created"; object: ObjectOf<K> } | { kind: "exists" }> {
    const path = collectionPath(kind, object.metadata.namespace ?? "default");
    const response = await this.#rest.send(path, { method: "POST", body: JSON.stringify(object) });
    const body = await this.#rest.bodyOf(response);
    if (response.status === 409) return { kind: "exists" };
    if (!response.ok) throw refused(response.status, body);
    return { kind: "created", object: body as ObjectOf<K> };
  }

  async patch<K extends Kind>(kind: K, key: Key, patch: object): Promise<ObjectOf<K> | undefined> {
    const request = { method: "PATCH", body: JSON.stringify(patch) } as const;
    return (await this.#rest.json(objectPath(kind, key), request)) as ObjectOf<K> | undefined;
  }

  async delete(kind: Kind, key: Key): Promise<"deleted" | "absent"> {
    const answer = await this.#rest.json(objectPath(kind, key), { method: "DELETE" });
    return answer === undefined ? "absent" : "deleted";
  }

  async *watch<K extends Kind>(kind: K, options: ListOptions, signal: AbortSignal): AsyncGenerator<Change<K>> {
    const path = collectionPath(kind, options.namespace) + queryOf(options, true);
    for await (const line of this.#stream(path, signal)) {
      const { type, object } = line as { type?: string; object?: ObjectOf<K> };
      const known = CHANGES[type?.toLowerCase() ?? ""];
      if (known === undefined || object === undefined) continue;
      if (options.name === undefined || object.metadata.name === options.name) yield { type: known, object };
    }
  }

  async *facts(run: Key, options: FactOptions, signal: AbortSignal): AsyncGenerator<FactLine> {
    const query = new URLSearchParams({ follow: String(options.follow), fromSeq: String(options.fromSeq ?? 1) });
    if (options.tokens === true) query.set("tokens", "true");
    if (options.whole === true) query.set("whole", "true");
    for await (const line of this.#stream(`${objectPath("ArkRun", run)}/facts?${query.toString()}`, signal)) {
      yield line as FactLine;
    }
  }

  async output(run: Key, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#rest.json(`${objectPath("ArkRun", run)}/output`, { signal });
    return (answer as { output?: string } | undefined)?.output;
  }

  async secret(key: Key): Promise<Readonly<Record<string, string>> | undefined> {
    const path = `/api/v1/namespaces/${encodeURIComponent(key.namespace)}/secrets/${encodeURIComponent(key.name)}`;
    const answer = (await this.#rest.json(path)) as { data?: Readonly<Record<string, string>> } | undefined;
    if (answer === undefined) return undefined;
    const entries = Object.entries(answer.data ?? {});
    return Object.fromEntries(entries.map(([name, value]) => [name, Buffer.from(value, "base64").toString("utf8")]));
  }

  async fire(request: FireRequest, signal: AbortSignal): Promise<FireAnswer> {
    const { key, syncMs } = request;
    const path = `/triggers/${encodeURIComponent(key.namespace)}/${encodeURIComponent(key.name)}`;
    const query = syncMs === undefined ? "" : `?mode=sync&timeout=${syncMs}ms`;
    const response = await this.#rest.send(path + query, {
      method: "POST",
      body: request.body,
      signal,
      ...(syncMs === undefined ? {} : { timeoutMs: syncMs + SYNC_GRACE_MS }),
      headers: {
        authorization: `Bearer ${request.token}`,
        ...(request.idempotencyKey === undefined ? {} : { "idempotency-key": request.idempotencyKey }),
      },
    });
    const body = (await this.#rest.bodyOf(response)) as Record<string, unknown>;
    return { status: response.status, replayed: response.headers.get("idempotency-replayed") === "true", body };
  }

  /** Lines of a stream; ends quietly when `signal` ends it. */
  async *#stream(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    try {
      const response = await this.#rest.send(path, { timeoutMs: 0, signal });
      if (!response.ok) throw refused(response.status, await this.#rest.bodyOf(response));
      if (response.body !== null) yield* jsonLines(response.body);
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof ArkError ? error : this.#rest.noAnswer(error);
    }
  }
}

const CHANGES: Readonly<Record<string, Change<Kind>["type"]>> = {
  added: "added",
  modified: "modified",
  deleted: "deleted",
};
