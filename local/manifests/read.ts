/**
 * Manifests from files and folders: YAML or JSON documents with the place each came from, Lists unfolded,
 * a folder's kustomization followed as far as prompts need it (resources and generators).
 */
import { isJsonObject } from "#core/json.ts";
import { readdir, stat } from "node:fs/promises";
import * as path from "node:path";
import { followKustomization, type Gathered } from "./kustomization.ts";
import { type ManifestDocument, type ManifestFault, parseText } from "./parse.ts";
import { readText, refusal } from "./read-text.ts";

export type ReadOutcome = {
  readonly documents: readonly ManifestDocument[];
  readonly faults: readonly ManifestFault[];
  /** Every file and folder that was read: a change of one means reading again. */
  readonly watched: readonly string[];
};

/** Beside the manifests of a project, but not manifests. */
const NOT_MANIFESTS = new Set(["mock.yaml", "expect.yaml"]);
const KUSTOMIZATION = /^(kustomization\.ya?ml|Kustomization)$/;
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Never rejects for a bad file: that is a fault beside the others. */
export async function readManifests(sources: readonly string[]): Promise<ReadOutcome> {
  const gathered: Gathered = { documents: [], faults: [], watched: new Set() };
  for (const source of sources) await readSource(path.resolve(source), gathered);
  return { ...gathered, watched: [...gathered.watched] };
}

async function readSource(source: string, into: Gathered, named = true): Promise<void> {
  if (into.watched.has(source)) return;
  into.watched.add(source);
  const found = await stat(source).catch(unlessAbsent);
  if (found === undefined) into.faults.push({ file: source, message: "no such file or folder", absent: true });
  else if ("why" in found) into.faults.push({ file: source, message: found.why });
  else if (found.isFile() && found.size > MAX_FILE_BYTES)
    into.faults.push({ file: source, message: `the file is larger than ${MAX_FILE_BYTES} bytes` });
  else if (found.isDirectory()) await readFolder(source, into);
  else await readFileInto(source, into, named);
}

function unlessAbsent(error: unknown): { readonly why: string } | undefined {
  const { code } = error as { readonly code?: unknown };
  return code === "ENOENT" || code === "ENOTDIR" ? undefined : refusal(error);
}

async function readFolder(folder: string, into: Gathered): Promise<void> {
  const found = await readdir(folder).catch(refusal);
  if ("why" in found) {
    into.faults.push({ file: folder, message: found.why });
    return;
  }
  const names = found.toSorted();
  const kustomization = names.find((name) => KUSTOMIZATION.test(name));
  if (kustomization !== undefined) return readSource(path.join(folder, kustomization), into);
  const manifests = names.filter((name) => /\.(ya?ml|json)$/.test(name) && !NOT_MANIFESTS.has(name));
  if (manifests.length === 0)
    into.faults.push({ file: folder, message: "the folder holds no YAML or JSON file", absent: true });
  for (const name of manifests) await readSource(path.join(folder, name), into, false);
}

/** `named`: by the user or a kustomization. A folder holds other files too, such as a package.json. */
async function readFileInto(file: string, into: Gathered, named: boolean): Promise<void> {
  const read = await readText(file);
  if (read.kind === "refused") {
    into.faults.push({ file, message: read.why });
    return;
  }
  for (const document of parseText(file, read.text, into.faults)) {
    if (named || isManifest(document)) await placeDocument(document, into);
  }
}

/** One of the two is enough to be meant as one: what lacks the other is a fault. */
function isManifest({ value }: ManifestDocument): boolean {
  return value["apiVersion"] !== undefined || value["kind"] !== undefined;
}

async function placeDocument(document: ManifestDocument, into: Gathered): Promise<void> {
  const { value, file } = document;
  const isKustomization = KUSTOMIZATION.test(path.basename(file)) || value["kind"] === "Kustomization";
  if (isKustomization) return followKustomization(document, into, readSource);
  if (value["kind"] === "List" && Array.isArray(value["items"])) {
    value["items"].forEach((item: unknown, index) => {
      if (isJsonObject(item))
        into.documents.push({ file, value: item, lineOf: (at) => document.lineOf(`items[${index}].${at}`) });
      else into.faults.push({ file, line: document.lineOf(`items[${index}]`), message: "a List holds objects only" });
    });
    return;
  }
  into.documents.push(document);
}
