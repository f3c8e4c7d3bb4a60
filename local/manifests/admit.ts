/** Documents judged and sorted: Ark objects, and the ConfigMaps and Secrets that prompts and keys come from. */
import type { ArkObject } from "#core/api/objects.ts";
import { validateObject } from "#core/validate/validate.ts";
import { judge, located } from "./judge.ts";
import type { ManifestDocument, ManifestFault } from "./parse.ts";

export type Values = Readonly<Record<string, string>>;

export type Admitted = {
  readonly objects: readonly ArkObject[];
  /** Keys are `<namespace>/<name>`. */
  readonly configMaps: ReadonlyMap<string, Values>;
  readonly secrets: ReadonlyMap<string, Values>;
  readonly faults: readonly ManifestFault[];
  readonly warnings: readonly ManifestFault[];
};

export type AdmitOutcome =
  | { readonly kind: "admitted"; readonly object: ArkObject }
  | { readonly kind: "refused"; readonly message: string };

export async function admitAll(documents: readonly ManifestDocument[]): Promise<Admitted> {
  const { placed, foreign, faults, warnings } = await judge(documents);
  const configMaps = new Map<string, Values>();
  const secrets = new Map<string, Values>();
  const idle: ManifestFault[] = [];
  for (const document of foreign) {
    const { apiVersion, kind, ...value } = document.value;
    if (apiVersion === "v1" && kind === "ConfigMap") configMaps.set(keyOf(value), texts(value["data"]));
    else if (apiVersion === "v1" && kind === "Secret") secrets.set(keyOf(value), secretValues(value));
    else idle.push(located(document, { path: "kind", message: `${String(kind)} has no effect on one machine` }));
  }
  const objects = placed.map(({ object }) => inNamespace(object));
  return { objects, configMaps, secrets, faults, warnings: [...warnings, ...idle] };
}

/** One object that comes by another way than a file. */
export async function admit(value: unknown): Promise<AdmitOutcome> {
  const judged = await validateObject(value);
  if (judged.kind === "valid") return { kind: "admitted", object: inNamespace(judged.object) };
  return { kind: "refused", message: judged.faults.map(({ path, message }) => `${path}: ${message}`).join("; ") };
}

function inNamespace(object: ArkObject): ArkObject {
  return { ...object, metadata: { namespace: "default", ...object.metadata } };
}

function keyOf(value: Readonly<Record<string, unknown>>): string {
  const { name = "", namespace = "default" } = (value["metadata"] ?? {}) as { name?: string; namespace?: string };
  return `${namespace}/${name}`;
}

function texts(value: unknown): Values {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.map(([key, text]) => [key, String(text)]));
}

/** `stringData` wins over `data`, as on a cluster. */
function secretValues(value: Readonly<Record<string, unknown>>): Values {
  const decoded = Object.entries(texts(value["data"])).map(([key, text]) => [
    key,
    Buffer.from(text, "base64").toString("utf8"),
  ]);
  return { ...Object.fromEntries(decoded), ...texts(value["stringData"]) };
}
