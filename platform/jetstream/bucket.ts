/**
 * A KV bucket of JSON values, written by revision.
 *
 * B1  `create` and `update` name the revision they build on; `undefined` means that another writer came between.
 * B2  A removed key leaves a marker that goes away by itself, so that removed keys cost nothing in the long run.
 * B3  A value may have a time to live of its own; writing it again starts the time again.
 */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { feed } from "./feed.ts";
import { follow } from "./follow.ts";
import type { Link } from "./link.ts";
import { decodeJson } from "./messages.ts";
import { isConflict, reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { bucketStream } from "./streams.ts";

const MARKER_TTL = "60s";

export type Entry<T> = { readonly value: T; readonly revision: number };
export type Change<T> = {
  readonly key: string;
  /** undefined: removed. */
  readonly entry: Entry<T> | undefined;
  /** What was removed, where the remover said it. */
  readonly last?: T;
};

export type Bucket<T> = {
  get(key: string): Promise<Entry<T> | undefined>;
  create(key: string, value: T, ttlMs?: number): Promise<number | undefined>;
  update(key: string, value: T, revision: number, ttlMs?: number): Promise<number | undefined>;
  /** Whatever is there. */
  put(key: string, value: T, ttlMs?: number): Promise<number>;
  /** false: `revision` is not the stored one. Watchers get `last`. */
  remove(key: string, revision?: number, last?: T): Promise<boolean>;
  /** Present entries, in the order of their last writes. */
  entries(filter: string): AsyncIterable<Entry<T>>;
  /** Present entries first, then changes. */
  watch(filter: string, signal: AbortSignal): AsyncIterable<Change<T>>;
};

/** The caller owns the bucket's type: its values are written by this project alone. */
export function bucket<T>(link: Link, name: string): Bucket<T> {
  const read = (key: string) =>
    reached(link.jsm.direct.getMessage(bucketStream(name), { last_by_subj: `$KV.${name}.${key}` }));
  const write = (key: string, value: T, expected: number | undefined, ttlMs: number | undefined) =>
    publish(link, `$KV.${name}.${key}`, JSON.stringify(value), expected, ttlMs);
  return {
    get: async (key) => {
      const stored = await read(key);
      return stored === null || isMarker(stored.header)
        ? undefined
        : toEntry<T>({ value: stored.data, revision: stored.seq });
    },
    create: async (key, value, ttlMs) => {
      const revision = await write(key, value, 0, ttlMs);
      if (revision !== undefined) return revision;
      const marker = await read(key);
      if (marker !== null && !isMarker(marker.header)) return undefined;
      return await write(key, value, marker?.seq ?? 0, ttlMs);
    },
    update: (key, value, revision, ttlMs) => write(key, value, revision, ttlMs),
    put: async (key, value, ttlMs) => (await write(key, value, undefined, ttlMs)) ?? 0,
    remove: (key, revision, last) => remove(link, `$KV.${name}.${key}`, revision, last),
    entries: (filter) => entries<T>(link, name, filter),
    watch: (filter, signal) =>
      link.isGuest ? watchLive<T>(link, name, filter, signal) : watch<T>(link, name, filter, signal),
  };
}

async function publish(
  link: Link,
  subject: string,
  text: string,
  expected: number | undefined,
  ttlMs: number | undefined,
): Promise<number | undefined> {
  try {
    const ack = await reached(
      link.js.publish(subject, text, {
        ...(expected === undefined ? {} : { expect: { lastSubjectSequence: expected } }),
        ...(ttlMs === undefined ? {} : { ttl: seconds(ttlMs) }),
      }),
    );
    return ack.seq;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

async function remove(link: Link, subject: string, revision: number | undefined, last: unknown): Promise<boolean> {
  const marker = headers();
  marker.set("KV-Operation", "PURGE");
  try {
    await reached(
      link.js.publish(subject, last === undefined ? "" : JSON.stringify(last), {
        headers: marker,
        ttl: MARKER_TTL,
        ...(revision === undefined ? {} : { expect: { lastSubjectSequence: revision } }),
      }),
    );
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

async function* entries<T>(link: Link, name: string, filter: string): AsyncGenerator<Entry<T>> {
  for await (const { header, data, seq } of readStored(link, bucketStream(name), `$KV.${name}.${filter}`)) {
    if (!isMarker(header)) yield toEntry<T>({ value: data, revision: seq });
  }
}

async function* watch<T>(link: Link, name: string, filter: string, signal: AbortSignal): AsyncGenerator<Change<T>> {
  const prefix = `$KV.${name}.`;
  const options = { from: "last-of-each-subject", signal } as const;
  for await (const message of follow(link, bucketStream(name), `${prefix}${filter}`, options)) {
    const key = message.subject.slice(prefix.length);
    const entry = toEntry<T>({ value: message.data, revision: message.seq });
    if (!isMarker(message.headers)) yield { key, entry };
    else if (message.data.length === 0) yield { key, entry: undefined };
    else yield { key, entry: undefined, last: entry.value };
  }
}

/**
 * One key without a consumer: what is there, then what is published. After a lost line it is read again, so that the
 * last value is never missed.
 */
async function* watchLive<T>(link: Link, name: string, key: string, signal: AbortSignal): AsyncGenerator<Change<T>> {
  const subject = `$KV.${name}.${key}`;
  while (!signal.aborted) {
    const line = new AbortController();
    const again = () => line.abort();
    link.line.again.add(again);
    try {
      const messages = feed(link, subject, AbortSignal.any([signal, line.signal]));
      // Its first `next` subscribes: what is published while the key is read comes after it.
      let next = messages.next();
      // Nobody waits for it yet, and a line that breaks now rejects it: unseen, that would end the process.
      next.catch(() => undefined);
      const stored = await reached(link.jsm.direct.getMessage(bucketStream(name), { last_by_subj: subject }));
      if (stored !== null) yield { key, entry: present<T>(stored.header, stored.data, stored.seq) };
      for (let one = await next; one.done !== true; one = await next) {
        next = messages.next();
        // A message that is not read from the stream tells no revision.
        yield { key, entry: present<T>(one.value.headers, one.value.data, 0) };
      }
      if (!line.signal.aborted) return;
    } finally {
      line.abort();
      link.line.again.delete(again);
    }
  }
}

function present<T>(carried: MsgHdrs | undefined, value: Uint8Array, revision: number): Entry<T> | undefined {
  return isMarker(carried) ? undefined : toEntry<T>({ value, revision });
}

/** Left by a removal, or by the server where a time to live ended. */
function isMarker(carried: MsgHdrs | undefined): boolean {
  return carried !== undefined && (carried.has("KV-Operation") || carried.has("Nats-Marker-Reason"));
}

function toEntry<T>(entry: { readonly value: Uint8Array; readonly revision: number }): Entry<T> {
  return { value: decodeJson(entry.value) as T, revision: entry.revision };
}

/** The server counts whole seconds. */
function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1_000))}s`;
}
