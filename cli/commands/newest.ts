import type { ArkObject } from "#core/api/objects.ts";

/** By time of creation, the name settling ties. */
export function newestFirst<T extends ArkObject>(objects: readonly T[]): readonly T[] {
  return objects.toSorted(
    (a, b) =>
      (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? "") ||
      (a.metadata.name ?? "").localeCompare(b.metadata.name ?? ""),
  );
}
