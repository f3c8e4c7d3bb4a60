/** Two documents that are one object: neither is meant more than the other, so the second is a fault. */
import type { ArkObject } from "#core/api/objects.ts";
import type { ManifestDocument, ManifestFault } from "./parse.ts";

export type Placed = { readonly object: ArkObject; readonly document: ManifestDocument };

/** What gets its name when it is made is none twice. */
export function doubles(placed: readonly Placed[]): readonly ManifestFault[] {
  const seen = new Map<string, ManifestDocument>();
  return placed.flatMap(({ object: { kind, metadata }, document }) => {
    const { name, namespace = "default" } = metadata;
    if (name === undefined) return [];
    const key = `${kind} ${namespace}/${name}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, document);
      return [];
    }
    const at = `${first.file}:${first.lineOf("metadata.name")}`;
    const path = "metadata.name";
    return [
      { file: document.file, line: document.lineOf(path), path, message: `${kind} ${name} is there already: ${at}` },
    ];
  });
}
