/**
 * Ports onto the Ark objects. Two implementations run the same contract suite: Kubernetes, and the local store over
 * JetStream KV. Semantics are those of the Kubernetes API: uid, resourceVersion, generation, AlreadyExists.
 */
import type { ObjectKey } from "#core/api/object-key.ts";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
export type WatchEvent<K extends Kind> = {
  readonly type: "added" | "modified" | "deleted";
  readonly object: ObjectOf<K>;
};

export type CreateOutcome<K extends Kind> =
  | { readonly kind: "created"; readonly object: ObjectOf<K> }
  | { readonly kind: "exists"; readonly object: ObjectOf<K> };
export type UpdateOutcome<K extends Kind> =
  | { readonly kind: "updated"; readonly object: ObjectOf<K> }
  | { readonly kind: "conflict" }
  | { readonly kind: "absent" };

export interface Objects {
  get<K extends Kind>(kind: K, key: ObjectKey): Promise<ObjectOf<K> | undefined>;
  list<K extends Kind>(
    kind: K,
    options?: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> },
  ): Promise<readonly ObjectOf<K>[]>;
  /** `object.metadata` needs name and namespace; uid, generation, creationTimestamp and resourceVersion are given. */
  create<K extends Kind>(kind: K, object: ObjectOf<K>): Promise<CreateOutcome<K>>;
  /** Creates, or replaces spec, labels and annotations; generation grows only when the spec changed. */
  apply<K extends Kind>(kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>>;
  /** Reads, changes and writes metadata and spec until no other writer came between. Status stays as stored. */
  update<K extends Kind>(
    kind: K,
    key: ObjectKey,
    change: (object: ObjectOf<K>) => ObjectOf<K>,
  ): Promise<UpdateOutcome<K>>;
  /** Replaces the status alone; never touches spec or generation. */
  writeStatus<K extends Kind>(
    kind: K,
    key: ObjectKey,
    status: NonNullable<ObjectOf<K>["status"]>,
  ): Promise<UpdateOutcome<K>>;
  delete(kind: Kind, key: ObjectKey): Promise<"deleted" | "absent">;
  /** All present objects as `added`, then changes, until `signal`. */
  watch<K extends Kind>(
    kind: K,
    options: { readonly namespace?: string; readonly signal: AbortSignal },
  ): AsyncIterable<WatchEvent<K>>;
}

/** The one verb of the collector on objects: it alone writes `ArkRun.status` (P5). */
export type RunStatusSink = Pick<Objects, "writeStatus">;
