/** Manifests on their way into a command: read, judged, and judged against one another, before anything is changed (P10). */
import type { Fault } from "#core/api/fault.ts";
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import { isKind } from "#core/api/kinds.ts";
import { ArkError } from "#core/errors.ts";
import { validateObject } from "#core/validate/validate.ts";
import type { Placed } from "../local/manifests/doubles.ts";
import type { ManifestDocument, ManifestFault } from "../local/manifests/parse.ts";
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
  const [{ readManifests }, { doubles }] = await Promise.all([
    import("../local/manifests/read.ts"),
    import("../local/manifests/doubles.ts"),
  ]);
  const read = await readManifests(sources);
  const faults: ManifestFault[] = [...read.faults];
  const warnings: ManifestFault[] = [];
  const placed: Placed[] = [];
  let foreign = 0;
  for (const document of read.documents) {
    if (isForeign(document)) foreign += 1;
    else {
      const checked = await validateObject(document.value);
      if (checked.kind === "invalid") faults.push(...located(document, checked.faults));
      else {
        placed.push({ object: checked.object, document });
        warnings.push(...located(document, checked.warnings));
      }
    }
  }
  faults.push(...doubles(placed));
  if (options.references) {
    for (const { fault, of } of referenceFaults(
      placed,
      read.documents.map(({ value }) => value),
    ))
      faults.push(...located(of.document, [fault]));
  }
  return { placed, faults: faults.toSorted(byPlace), warnings, foreign };
}

export function objectsOf<K extends Kind>(manifests: Manifests, kind: K): readonly ObjectOf<K>[] {
  return manifests.placed.map(({ object }) => object).filter((object): object is ObjectOf<K> => object.kind === kind);
}

function byPlace(a: ManifestFault, b: ManifestFault): number {
  return a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file.localeCompare(b.file);
}

/** A kind of another group is somebody else's; an unknown one of ours is a fault. */
function isForeign({ value }: ManifestDocument): boolean {
  const apiVersion = value["apiVersion"];
  return !isKind(value["kind"]) && typeof apiVersion === "string" && !apiVersion.startsWith("arkonis.dev/");
}

function located(document: ManifestDocument, faults: readonly Fault[]): readonly ManifestFault[] {
  return faults.map((fault) => ({ file: document.file, line: document.lineOf(fault.path), ...fault }));
}

/** `file:line: field: message`, and the hint on a line of its own. */
export function faultText(fault: ManifestFault, relative: (file: string) => string): string {
  const place = [relative(fault.file), ...(fault.line === undefined ? [] : [String(fault.line)])].join(":");
  const field = fault.path === undefined || fault.path === "" ? "" : `${fault.path}: `;
  const hint = fault.hint === undefined ? "" : `\n  ${fault.hint}`;
  return `${place}: ${field}${fault.message}${hint}`;
}

/** All faults in one error, each on its own line. */
export function invalidManifests(faults: readonly ManifestFault[], relative: (file: string) => string): ArkError {
  const absent = faults.every((fault) => fault.absent === true);
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return new ArkError(
    absent ? "manifest.not_found" : "manifest.invalid",
    [`${count}; nothing was changed`, ...faults.map((fault) => faultText(fault, relative))].join("\n"),
    absent
      ? "Give the path of a manifest, or of a folder of them."
      : "Correct what is named above; `ark validate` checks again.",
  );
}
