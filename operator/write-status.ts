/** A status is written when it says something else than what was last seen: whoever watches its own writes comes to rest. */
import { isDeepStrictEqual } from "node:util";
import { nameOf } from "#core/api/object-key.ts";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { Objects } from "#core/ports/objects.ts";

export async function writeStatus<K extends Kind>(
  objects: Pick<Objects, "writeStatus">,
  kind: K,
  object: ObjectOf<K>,
  status: NonNullable<ObjectOf<K>["status"]>,
): Promise<void> {
  if (isDeepStrictEqual(object.status, plain(status))) return;
  await objects.writeStatus(kind, nameOf(object), status);
}

/** As it would be stored: without what is undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
