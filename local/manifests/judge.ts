/** Documents judged by their schemas, each fault at its place: the same here, in `ark validate` and in `ark run`. */
import type { Fault } from "#core/api/fault.ts";
import { isKind } from "#core/api/kinds.ts";
import { validateObject } from "#core/validate/validate.ts";
import { doubles, type Placed } from "./doubles.ts";
import type { ManifestDocument, ManifestFault } from "./parse.ts";

export type Judged = {
  readonly placed: readonly Placed[];
  /** Of other groups (ConfigMap, Secret …), which are not judged. */
  readonly foreign: readonly ManifestDocument[];
  readonly faults: readonly ManifestFault[];
  readonly warnings: readonly ManifestFault[];
};

export async function judge(documents: readonly ManifestDocument[]): Promise<Judged> {
  const placed: Placed[] = [];
  const foreign: ManifestDocument[] = [];
  const faults: ManifestFault[] = [];
  const warnings: ManifestFault[] = [];
  for (const document of documents) {
    if (isForeign(document)) {
      foreign.push(document);
      continue;
    }
    const judged = await validateObject(document.value);
    if (judged.kind === "invalid") faults.push(...judged.faults.map((fault) => located(document, fault)));
    else {
      placed.push({ object: judged.object, document });
      warnings.push(...judged.warnings.map((warning) => located(document, warning)));
    }
  }
  return { placed, foreign, faults: [...faults, ...doubles(placed)], warnings };
}

export function located(document: ManifestDocument, fault: Fault): ManifestFault {
  return { file: document.file, line: document.lineOf(fault.path), ...fault };
}

/** A kind of another group is somebody else's; one of our names there is a mistake, and an unknown one of ours too. */
function isForeign({ value: { apiVersion, kind } }: ManifestDocument): boolean {
  return !isKind(kind) && typeof apiVersion === "string" && !apiVersion.startsWith("arkonis.dev/");
}
