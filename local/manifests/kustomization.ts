/** The part of a kustomization that prompts need: resources, namespace, and generators of ConfigMaps and Secrets. */
import { isJsonObject } from "#core/json.ts";
import * as path from "node:path";
import type { ManifestDocument, ManifestFault } from "./parse.ts";
import { readText } from "./read-text.ts";

/** What reading has come to so far. */
export type Gathered = { documents: ManifestDocument[]; faults: ManifestFault[]; watched: Set<string> };

/** Names without a hash: there is no rollout here that a new name would have to start. */
export async function followKustomization(
  document: ManifestDocument,
  into: Gathered,
  readSource: (source: string, into: Gathered) => Promise<void>,
): Promise<void> {
  const folder = path.dirname(document.file);
  const { value } = document;
  const first = into.documents.length;
  for (const resource of texts(value["resources"])) await readSource(path.resolve(folder, resource), into);
  for (const [generator, kind] of [
    ["configMapGenerator", "ConfigMap"],
    ["secretGenerator", "Secret"],
  ] as const) {
    const entries: readonly unknown[] = Array.isArray(value[generator]) ? value[generator] : [];
    for (const [index, entry] of entries.entries()) {
      if (!isJsonObject(entry)) continue;
      const data = await generated(entry, folder, document, `${generator}[${index}]`, into);
      const metadata = { name: entry["name"] };
      const field = kind === "Secret" ? "stringData" : "data";
      into.documents.push({
        file: document.file,
        value: { apiVersion: "v1", kind, metadata, [field]: data },
        lineOf: () => document.lineOf(`${generator}[${index}]`),
      });
    }
  }
  const { namespace } = value;
  if (typeof namespace !== "string") return;
  const own = into.documents.splice(first);
  into.documents.push(...own.map((one) => ({ ...one, value: inNamespace(one.value, namespace) })));
}

/** What stands in the kustomization counts, as for kubectl: what refers to what it generates is beside it. */
function inNamespace(value: ManifestDocument["value"], namespace: string): ManifestDocument["value"] {
  const { metadata } = value;
  return { ...value, metadata: { ...(isJsonObject(metadata) && metadata), namespace } };
}

async function generated(
  entry: Readonly<Record<string, unknown>>,
  folder: string,
  document: ManifestDocument,
  at: string,
  into: Gathered,
): Promise<Record<string, string>> {
  const data: Record<string, string> = {};
  for (const literal of texts(entry["literals"])) {
    const split = literal.indexOf("=");
    if (split > 0) data[literal.slice(0, split)] = literal.slice(split + 1);
  }
  for (const spec of texts(entry["files"])) {
    const split = spec.indexOf("=");
    const file = path.resolve(folder, split < 0 ? spec : spec.slice(split + 1));
    into.watched.add(file);
    const read = await readText(file);
    if (read.kind === "refused")
      into.faults.push({ file: document.file, line: document.lineOf(at), path: at, message: `${file}: ${read.why}` });
    else data[split < 0 ? path.basename(file) : spec.slice(0, split)] = read.text;
  }
  return data;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
