/**
 * What the commands need of whoever keeps the Ark objects: a local `ark up` or, behind the same port, a cluster.
 * An expected answer is a value; a server that cannot be reached or refuses is an ArkError, because every command ends
 * on it in the same way.
 */
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { StoredFact } from "#core/ports/record.ts";

export type Key = { readonly namespace: string; readonly name: string };
/** `namespace` absent: all of them. */
export type ListOptions = {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** One object by name; watches take it. */
  readonly name?: string;
};
export type Change<K extends Kind> = {
  readonly type: "added" | "modified" | "deleted";
  readonly object: ObjectOf<K>;
};

/** Tokens of an answer that is being written right now; watchers that miss some read the turn. */
export type FactLine = StoredFact | { readonly tokens: { readonly step: string; readonly text: string } };

/** `tokens`: with `follow`, also the words of answers while they are written. */
export type FactOptions = {
  readonly follow: boolean;
  readonly tokens?: boolean;
  readonly fromSeq?: number;
  /** Long texts themselves in place of their references, where they can be read. */
  readonly whole?: boolean;
};

/** How a webhook event answered (api 13); `body` is its JSON. */
export type FireAnswer = {
  readonly status: number;
  readonly replayed: boolean;
  readonly body: Readonly<Record<string, unknown>>;
};
export type FireRequest = {
  readonly key: Key;
  readonly token: string;
  /** JSON text. */
  readonly body: string;
  /** Set: the answer waits for the end of the runs. */
  readonly syncMs?: number;
  readonly idempotencyKey?: string;
};

export interface Cluster {
  /** For messages: `the local server at http://127.0.0.1:8092`. */
  readonly description: string;
  /** Of commands that name none. */
  readonly namespace: string;
  get<K extends Kind>(kind: K, key: Key): Promise<ObjectOf<K> | undefined>;
  list<K extends Kind>(kind: K, options: ListOptions): Promise<readonly ObjectOf<K>[]>;
  create<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
  ): Promise<{ readonly kind: "created"; readonly object: ObjectOf<K> } | { readonly kind: "exists" }>;
  /** JSON merge patch (RFC 7386); undefined when there is no such object. */
  patch<K extends Kind>(kind: K, key: Key, patch: object): Promise<ObjectOf<K> | undefined>;
  delete(kind: Kind, key: Key): Promise<"deleted" | "absent">;
  /** Present objects as `added`, then changes, until `signal`. */
  watch<K extends Kind>(kind: K, options: ListOptions, signal: AbortSignal): AsyncIterable<Change<K>>;
  /** Facts of a run from `fromSeq` on (default: the first); with `follow` also those to come, until `signal`. */
  facts(run: Key, options: FactOptions, signal: AbortSignal): AsyncIterable<FactLine>;
  /** The output of an ended run, whole; undefined where it cannot be read. */
  output(run: Key, signal: AbortSignal): Promise<string | undefined>;
  /** Decoded values of a Secret. */
  secret(key: Key): Promise<Readonly<Record<string, string>> | undefined>;
  /** Posts to a webhook event as any caller would. */
  fire(request: FireRequest, signal: AbortSignal): Promise<FireAnswer>;
}
