/** Manifests on their way into a command: read, judged, and judged against one another, before anything is changed (P10). */
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import type { Placed } from "../local/manifests/doubles.ts";
import type { ManifestFault } from "../local/manifests/parse.ts";
import { referenceFaults } from "./references.ts";

export type Manifests = {
  readonly placed: readonly Placed[];
  readonly faults: readonly ManifestFault[];
  readonly warnings: readonly ManifestFault[];
  /** Documents of foreign kinds (ConfigMap, Secret …), which are not judged. */
  readonly foreign: number;
};

/** Never rejects for what stands in a file. `references`: names must be among these documents. */
export async function checkManifests(
  sources: readonly string[],
  options: { readonly references: boolean },
): Promise<Manifests> {
  const [{ readManifests }, { judge, located }] = await Promise.all([
    import("../local/manifests/read.ts"),
    import("../local/manifests/judge.ts"),
  ]);
  const { documents, faults: unread } = await readManifests(sources);
  const { placed, foreign, faults, warnings } = await judge(documents);
  const values = documents.map(({ value }) => value);
  const missing = options.references
    ? referenceFaults(placed, values).map(({ fault, of }) => located(of.document, fault))
    : [];
  const all = [...unread, ...faults, ...missing];
  return { placed, faults: all.toSorted(byPlace), warnings, foreign: foreign.length };
}

export function objectsOf<K extends Kind>(manifests: Manifests, kind: K): readonly ObjectOf<K>[] {
  return manifests.placed.map(({ object }) => object).filter((object): object is ObjectOf<K> => object.kind === kind);
}

function byPlace(a: ManifestFault, b: ManifestFault): number {
  return a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file.localeCompare(b.file);
}
