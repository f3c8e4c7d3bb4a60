/**
 * Ark objects in `ark-objects`, with the semantics of the Kubernetes API that the port names.
 *
 * J1  One object per kind, namespace and name; a second `create` is `exists`, of many at once one wins.
 * J2  `uid` is new with every creation; `resourceVersion` is the revision; `generation` grows with the spec alone.
 * J3  Status has its own verb: `create`, `apply` and `update` never change it, `writeStatus` changes nothing else (P5).
 * J4  A write that changes nothing is not made: no revision, no watch event.
 */
import { randomUUID } from "node:crypto";
import type { ObjectKey } from "#core/api/object-key.ts";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import { BUCKETS } from "#core/events/subjects.ts";
import type { CreateOutcome, Objects, UpdateOutcome } from "#core/ports/objects.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { bucket, type Bucket, type Entry } from "./bucket.ts";
import type { Link } from "./link.ts";
import { watchObjects } from "./watch-objects.ts";

/** Conflicts in a row before a writer is told to come again. */
const MAX_TRIES = 50;

type Store<K extends Kind> = Bucket<ObjectOf<K>>;

export function objects(link: Link): Objects {
  // Keys begin with the kind, so each kind has a bucket of its own type in the one bucket.
  const of = <K extends Kind>(): Store<K> => bucket<ObjectOf<K>>(link, BUCKETS.objects);
  return {
    get: <K extends Kind>(kind: K, key: ObjectKey) => get(of<K>(), kind, key),
    list: <K extends Kind>(kind: K, options: ListOptions = {}) => list(of<K>(), kind, options),
    create: <K extends Kind>(kind: K, object: ObjectOf<K>) => create(of<K>(), kind, object),
    apply: <K extends Kind>(kind: K, object: ObjectOf<K>) => apply(of<K>(), kind, object),
    update: <K extends Kind>(kind: K, key: ObjectKey, change: (object: ObjectOf<K>) => ObjectOf<K>) =>
      rewrite(of<K>(), keyOf(kind, key), (current) => withIntent(current, change(current))),
    writeStatus: <K extends Kind>(kind: K, key: ObjectKey, status: NonNullable<ObjectOf<K>["status"]>) =>
      rewrite(of<K>(), keyOf(kind, key), (current) =>
        isSame(current.status, status) ? current : { ...current, status },
      ),
    delete: (kind, key) => remove(of<Kind>(), keyOf(kind, key)),
    watch: <K extends Kind>(kind: K, { namespace, signal }: WatchOptions) =>
      watchObjects<K>(of<K>(), filterOf(kind, namespace), signal),
  };
}

type ListOptions = { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
type WatchOptions = { readonly namespace?: string; readonly signal: AbortSignal };

async function get<K extends Kind>(store: Store<K>, kind: K, key: ObjectKey): Promise<ObjectOf<K> | undefined> {
  const entry = await store.get(keyOf(kind, key));
  return entry === undefined ? undefined : shown(entry);
}

async function list<K extends Kind>(store: Store<K>, kind: K, options: ListOptions): Promise<readonly ObjectOf<K>[]> {
  const found: ObjectOf<K>[] = [];
  const wanted = Object.entries(options.labels ?? {});
  for await (const entry of store.entries(filterOf(kind, options.namespace))) {
    const labels = entry.value.metadata.labels ?? {};
    if (wanted.every(([name, value]) => labels[name] === value)) found.push(shown(entry));
  }
  return found;
}

async function create<K extends Kind>(store: Store<K>, kind: K, object: ObjectOf<K>): Promise<CreateOutcome<K>> {
  const key = keyOf(kind, nameOf(object));
  const { status: _own, ...intent } = object;
  const fresh = {
    ...intent,
    metadata: {
      ...object.metadata,
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z`,
    },
  } as ObjectOf<K>;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const revision = await store.create(key, fresh);
    if (revision !== undefined) return { kind: "created", object: shown({ value: fresh, revision }) };
    const present = await store.get(key);
    if (present !== undefined) return { kind: "exists", object: shown(present) };
  }
  throw contended(key);
}

async function apply<K extends Kind>(store: Store<K>, kind: K, object: ObjectOf<K>): Promise<ObjectOf<K>> {
  const key = keyOf(kind, nameOf(object));
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const updated = await rewrite(store, key, (current) => withIntent(current, object));
    if (updated.kind === "updated") return updated.object;
    if (updated.kind === "conflict") break;
    const created = await create(store, kind, object);
    if (created.kind === "created") return created.object;
  }
  throw contended(key);
}

async function remove(store: Store<Kind>, key: string): Promise<"deleted" | "absent"> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const last = await store.get(key);
    if (last === undefined) return "absent";
    if (await store.remove(key, last.revision, shown(last))) return "deleted";
  }
  throw contended(key);
}

async function rewrite<K extends Kind>(
  store: Store<K>,
  key: string,
  change: (current: ObjectOf<K>) => ObjectOf<K>,
): Promise<UpdateOutcome<K>> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const entry = await store.get(key);
    if (entry === undefined) return { kind: "absent" };
    const current = shown(entry);
    const next = change(current);
    if (next === current) return { kind: "updated", object: current };
    const revision = await store.update(key, next, entry.revision);
    if (revision !== undefined) return { kind: "updated", object: shown({ value: next, revision }) };
  }
  return { kind: "conflict" };
}

/** `current` itself when nothing differs. */
function withIntent<K extends Kind>(current: ObjectOf<K>, wanted: ObjectOf<K>): ObjectOf<K> {
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const isSpecSame = isSame(current.spec, wanted.spec);
  const { labels: _labels, annotations: _annotations, ownerReferences: _owners, ...rest } = current.metadata;
  const metadata = {
    ...rest,
    generation: (current.metadata.generation ?? 1) + (isSpecSame ? 0 : 1),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
  const areNotesSame =
    isSame(current.metadata.labels, labels) &&
    isSame(current.metadata.annotations, annotations) &&
    isSame(current.metadata.ownerReferences, ownerReferences);
  return isSpecSame && areNotesSame ? current : { ...current, metadata, spec: wanted.spec };
}

/** The order of keys counts: that of inputs and prompts does. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function shown<K extends Kind>({ value, revision }: Entry<ObjectOf<K>>): ObjectOf<K> {
  return { ...value, metadata: { ...value.metadata, resourceVersion: String(revision) } };
}

function keyOf(kind: Kind, { namespace, name }: ObjectKey): string {
  return `${kind}.${namespace}.${name}`;
}

function filterOf(kind: Kind, namespace: string | undefined): string {
  return namespace === undefined ? `${kind}.>` : `${kind}.${namespace}.>`;
}

function nameOf({ metadata: { namespace, name } }: ObjectOf<Kind>): ObjectKey {
  if (namespace === undefined || name === undefined) throw new TypeError("an object needs a namespace and a name");
  return { namespace, name };
}

function contended(key: string): StoreUnavailable {
  return new StoreUnavailable(`object ${key}: too many writers at once`);
}
