/**
 * All objects of a path, then their changes, for as long as the caller likes: an informer as an iterator.
 *
 * I1  A broken watch is taken up where it stopped; one that is too old (410) is replaced by a fresh list, and what went
 *     missing meanwhile comes as `deleted`.
 * I2  What is remembered is one key and one resourceVersion per object, never the object.
 * I3  Whatever ends a watch, the next one comes after a pause that doubles, until one tells something.
 */
import { setTimeout as delay } from "node:timers/promises";
import { keyOf } from "#core/api/object-key.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { type Kube, messageOf, WatchRefused } from "./client.ts";

export type KubeObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
};

export type Change<T> = { readonly type: "added" | "modified" | "deleted"; readonly object: T };
type List<T> = { readonly items?: readonly T[]; readonly metadata?: { resourceVersion?: string; continue?: string } };
type Line<T> = { readonly type: string; readonly object: T & { readonly code?: number } };

export type WatchOptions = {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal: AbortSignal;
  /** Called once all present objects have been given. */
  readonly onSynced?: () => void;
};

const PAGE = "500";
const WATCH_SECONDS = 290;
const PAUSE_MS = { first: 250, most: 15_000 } as const;

export async function* watchObjects<T extends KubeObject>(
  kube: Kube,
  path: string,
  options: WatchOptions,
): AsyncGenerator<Change<T>> {
  const { signal } = options;
  const known = new Map<string, T>();
  const place: Place = { version: undefined, pauseMs: PAUSE_MS.first };
  while (!signal.aborted) {
    try {
      if (place.version === undefined) {
        const { items, version } = await listObjects<T>(kube, path, options);
        yield* difference(known, items);
        place.version = version;
        options.onSynced?.();
      }
      yield* follow(kube, path, place, known, options);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof WatchRefused && error.status === 410) place.version = undefined;
      else if (!(error instanceof StoreUnavailable)) throw error;
    }
    const { pauseMs } = place;
    await delay(pauseMs / 2 + (pauseMs / 2) * Math.random(), undefined, { signal }).catch(() => undefined);
    place.pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most);
  }
}

/** Where a watch goes on. `version`: undefined where a fresh list is needed. */
type Place = { version: string | undefined; pauseMs: number };

export type ListOptions = Pick<WatchOptions, "labelSelector" | "fieldSelector"> & { readonly signal?: AbortSignal };

/** Pages through all of them. */
export async function listObjects<T extends KubeObject>(
  kube: Kube,
  path: string,
  options: ListOptions = {},
): Promise<{ readonly items: readonly T[]; readonly version: string }> {
  const items: T[] = [];
  for (let next: string | undefined; ;) {
    const page: List<T> = await listPage(kube, path, options, next);
    items.push(...(page.items ?? []));
    const { resourceVersion = "0", continue: more = "" } = page.metadata ?? {};
    if (more === "") return { items, version: resourceVersion };
    next = more;
  }
}

async function listPage<T>(kube: Kube, path: string, options: ListOptions, next: string | undefined): Promise<List<T>> {
  const { labelSelector, fieldSelector, signal } = options;
  const { status, body } = await kube.request({
    method: "GET",
    path,
    query: { limit: PAGE, continue: next, labelSelector, fieldSelector },
    ...(signal !== undefined && { signal }),
  });
  if (status !== 200) throw new WatchRefused(status, messageOf(body));
  return body as List<T>;
}

/** Changes from `place` on, which moves with them. */
async function* follow<T extends KubeObject>(
  kube: Kube,
  path: string,
  place: Place,
  known: Map<string, T>,
  options: WatchOptions,
): AsyncGenerator<Change<T>> {
  const query = {
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersion: place.version,
    timeoutSeconds: String(WATCH_SECONDS),
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  };
  const lines = kube.stream({ method: "GET", path, query, signal: options.signal });
  for await (const line of lines as AsyncIterable<Line<T>>) {
    if (line.type === "ERROR") {
      place.version = undefined;
      return;
    }
    place.version = line.object.metadata.resourceVersion ?? place.version;
    // I3.
    place.pauseMs = PAUSE_MS.first;
    if (line.type === "BOOKMARK") continue;
    const change = changeOf(line, known);
    if (change !== undefined) yield change;
  }
}

function changeOf<T extends KubeObject>({ type, object }: Line<T>, known: Map<string, T>): Change<T> | undefined {
  const key = keyOf(object);
  if (type === "DELETED") {
    known.delete(key);
    return { type: "deleted", object };
  }
  const before = known.get(key);
  known.set(key, skeleton(object));
  return { type: before === undefined ? "added" : "modified", object };
}

/** I1. A new uid under an old name is another object. */
function* difference<T extends KubeObject>(known: Map<string, T>, items: readonly T[]): Generator<Change<T>> {
  const present = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, old] of known) {
    const now = present.get(key);
    if (now?.metadata.uid === old.metadata.uid) continue;
    known.delete(key);
    yield { type: "deleted", object: old };
  }
  for (const [key, item] of present) {
    const before = known.get(key);
    known.set(key, skeleton(item));
    if (before?.metadata.resourceVersion !== item.metadata.resourceVersion)
      yield { type: before === undefined ? "added" : "modified", object: item };
  }
}

/** I2. */
function skeleton<T extends KubeObject>(object: T): T {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: { name, namespace, uid, resourceVersion } } as T;
}
