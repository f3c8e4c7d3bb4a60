/**
 * Whether a document is an Ark object: kind, unknown fields, types and bounds, rules. Everything that a template, a
 * pattern, a JSON Schema or the graph of steps can have wrong inside is `core/validate`'s, which calls this first.
 *
 * V1  Nothing passes here that a real API server refuses, and the other way round, but for what
 *     `test/fixtures/crd/exceptions.yaml` lists with a reason.
 * V2  A field without a value (null) is a field that is not set, as it is for the API server.
 */
import { isJsonObject, type JsonObject } from "#core/json.ts";
import type * as z from "zod";
import { didYouMean, oncePerPlace, pathText, type Fault } from "./fault.ts";
import { explain } from "./explain.ts";
import { isKind, KINDS, type KindInfo } from "./kinds.ts";
import type { ArkObject, Kind, ObjectOf } from "./objects.ts";
import { nameRule } from "./object-rules.ts";
import type { ChangeRule, Rule } from "./rules.ts";
import { structural, type JsonSchema } from "./structural.ts";
import { unknownFields } from "./unknown-fields.ts";
import { API_VERSION, ObjectMetaSchema } from "./v1alpha1/common.ts";

export type Checked<T> =
  | { readonly kind: "valid"; readonly object: T; readonly warnings: readonly Fault[] }
  /** With the object where its fields are right and only what they say together is wrong. */
  | { readonly kind: "invalid"; readonly faults: readonly Fault[]; readonly object?: T };

function invalid(...faults: readonly Fault[]): Checked<never> {
  return { kind: "invalid", faults };
}

/** V2. Items of lists stay: a list with a hole is a fault. What no schema describes stays as it is. */
function withoutNulls(value: unknown, schema: JsonSchema | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, schema?.items));
  if (!isJsonObject(value) || schema === undefined) return value;
  const below = (key: string): JsonSchema | undefined => schema.properties?.[key] ?? schema.additionalProperties;
  const kept = Object.entries(value).filter(([key, inner]) => inner !== undefined && !(inner === null && below(key)));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner, below(key))]));
}

function kindOf(doc: JsonObject): Kind | Fault {
  const { apiVersion, kind } = doc;
  if (kind === undefined) return { path: "kind", message: "is required" };
  if (!isKind(kind)) {
    const known = Object.keys(KINDS);
    return { path: "kind", message: `must be one of ${known.join(", ")}`, ...didYouMean(kind, known) };
  }
  if (apiVersion === API_VERSION) return kind;
  return { path: "apiVersion", message: apiVersion === undefined ? "is required" : `must be ${API_VERSION}` };
}

const OBJECT_META: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  [
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "selfLink",
  ].map((field) => [field, {}]),
);

/** A kind's schema never changes, and making it takes longer than a whole check. */
const SCHEMAS = new WeakMap<KindInfo, JsonSchema>();

/** As in the CRD, with the fields of `metadata`, which the API server knows by itself. */
function wholeSchema(info: KindInfo): JsonSchema {
  const known = SCHEMAS.get(info);
  if (known !== undefined) return known;
  const outcome = structural(info.schema);
  const schema = outcome.kind === "structural" ? outcome.schema : {};
  const whole = { ...schema, properties: { ...schema.properties, metadata: { properties: OBJECT_META } } };
  SCHEMAS.set(info, whole);
  return whole;
}

/** Said even where the rest of the object is no good. */
function nameFaults(given: unknown, max: number): Fault[] {
  if (!isJsonObject(given)) return [{ path: "metadata", message: "is required" }];
  const parsed = ObjectMetaSchema.safeParse(given);
  if (!parsed.success) return [];
  const metadata = parsed.data;
  if (metadata.name === undefined && metadata.generateName === undefined) {
    return [{ path: "metadata.name", message: "is required" }];
  }
  return faultsOf(nameRule(max), { metadata });
}

function faultsOf<T>({ broken, message, hint }: Rule<T>, value: T, around: readonly string[] = []): Fault[] {
  return broken(value).map((place) => ({
    path: pathText([...around, ...place]),
    message,
    ...(hint === undefined ? {} : { hint: hint(value) }),
  }));
}

function objectFaults(object: ArkObject, info: KindInfo): Fault[] {
  const rules = info.rules as readonly Rule<ArkObject>[];
  const specRules = info.specRules as readonly Rule<ArkObject["spec"]>[];
  return [
    ...rules.flatMap((rule) => faultsOf(rule, object)),
    ...specRules.flatMap((rule) => faultsOf(rule, object.spec, ["spec"])),
  ];
}

/** All faults at once. Never throws. */
export function checkObject(doc: unknown): Checked<ArkObject> {
  if (!isJsonObject(doc))
    return invalid({ path: "", message: "must be an object with apiVersion, kind, metadata and spec" });
  const kind = kindOf(doc);
  if (typeof kind !== "string") return invalid(kind);
  const info = KINDS[kind];
  const schema = wholeSchema(info);
  const given = withoutNulls(doc, schema) as JsonObject;
  const parsed = (info.schema as z.ZodType<ArkObject>).safeParse(given);
  const faults = [
    ...unknownFields(given, schema, []),
    ...nameFaults(given["metadata"], info.maxName),
    ...(parsed.success ? objectFaults(parsed.data, info) : explain(parsed.error.issues, given)),
  ];
  if (!parsed.success) return invalid(...oncePerPlace(faults));
  if (faults.length > 0) return { kind: "invalid", faults: oncePerPlace(faults), object: parsed.data };
  return { kind: "valid", object: parsed.data, warnings: [] };
}

/** What an update may not do (P5). Both objects have passed `checkObject`. */
export function checkUpdate<K extends Kind>(kind: K, next: ObjectOf<K>, stored: ObjectOf<K>): readonly Fault[] {
  const change = KINDS[kind].specChange as ChangeRule<unknown> | undefined;
  const places = change?.broken(next.spec, stored.spec) ?? [];
  return places.map((place) => ({ path: pathText(["spec", ...place]), message: change?.message ?? "" }));
}
