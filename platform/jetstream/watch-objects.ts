/**
 * Changes of a bucket as watch events of objects.
 *
 * J5  What is there comes first, as `added`. A reader that is slow may miss states in between, never the last one.
 */
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { WatchEvent } from "#core/ports/objects.ts";
import type { Bucket } from "./bucket.ts";

export async function* watchObjects<K extends Kind>(
  store: Bucket<ObjectOf<K>>,
  filter: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<K>> {
  /** Keys that were told, with the uid told. */
  const told = new Map<string, string | undefined>();
  for await (const { key, entry, last } of store.watch(filter, signal)) {
    if (entry !== undefined) {
      const { uid } = entry.value.metadata;
      const type = told.has(key) && told.get(key) === uid ? "modified" : "added";
      told.set(key, uid);
      const metadata = { ...entry.value.metadata, resourceVersion: String(entry.revision) };
      yield { type, object: { ...entry.value, metadata } };
    } else if (told.delete(key) && last !== undefined) yield { type: "deleted", object: last };
  }
}
