/** Status and object writes that are left out when nothing would change, so that watching one's own writes ends. */
import { isDeepStrictEqual } from "node:util";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { Objects } from "#core/ports/objects.ts";

export async function writeStatusIfChanged<K extends Kind>(
  objects: Objects,
  kind: K,
  object: ObjectOf<K>,
  status: NonNullable<ObjectOf<K>["status"]>,
): Promise<void> {
  if (isDeepStrictEqual(plain(object.status), plain(status))) return;
  const { namespace = "default", name = "" } = object.metadata;
  await objects.writeStatus(kind, { namespace, name }, status);
}

/** True when it was written: spec, labels or owner differed. */
export async function applyIfChanged<K extends Kind>(
  objects: Objects,
  kind: K,
  stored: ObjectOf<K> | undefined,
  wanted: ObjectOf<K>,
): Promise<boolean> {
  if (stored !== undefined && sameIntent(stored, wanted)) return false;
  await objects.apply(kind, wanted);
  return true;
}

function sameIntent<K extends Kind>(stored: ObjectOf<K>, wanted: ObjectOf<K>): boolean {
  const owners = (object: ObjectOf<K>) => object.metadata.ownerReferences ?? [];
  return (
    isDeepStrictEqual(plain(stored.spec), plain(wanted.spec)) &&
    isDeepStrictEqual(stored.metadata.labels ?? {}, wanted.metadata.labels ?? {}) &&
    isDeepStrictEqual(stored.metadata.annotations ?? {}, wanted.metadata.annotations ?? {}) &&
    isDeepStrictEqual(plain(owners(stored)), plain(owners(wanted)))
  );
}

/** As it would be stored; key order counts, because the order of inputs does. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.stringify(value);
}
