/**
 * zod → structural schema of a CustomResourceDefinition (style 12.1).
 *
 * X1  What the API server would refuse is refused here, with the path.
 * X2  Every string, list and map of a spec has an upper bound: the server estimates the cost of CEL rules by them.
 * X3  The same schema gives the same bytes: keys stand in a fixed order, properties as declared.
 */
import { isJsonObject, type JsonObject } from "#core/json.ts";
import * as z from "zod";

export type JsonSchema = {
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "boolean" | "number";
  readonly format?: string;
  readonly default?: unknown;
  readonly maximum?: number;
  readonly minimum?: number;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly enum?: readonly unknown[];
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-list-type"?: "map" | "set" | "atomic";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly {
    readonly rule: string;
    readonly message: string;
    readonly fieldPath?: string;
  }[];
};

export type StructuralFault = { readonly path: string; readonly message: string };
export type StructuralOutcome =
  | { readonly kind: "structural"; readonly schema: JsonSchema }
  | { readonly kind: "refused"; readonly faults: readonly StructuralFault[] };

/** X3: also the whole list of what may stand in a node. Everything else is a fault. */
const ORDER = [
  "description",
  "type",
  "format",
  "default",
  "maximum",
  "minimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "enum",
  "maxProperties",
  "required",
  "items",
  "properties",
  "additionalProperties",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
] as const;

const TYPES = new Set<unknown>(["object", "array", "string", "integer", "boolean"]);
const BOUND_BY_TYPE: Readonly<Record<string, string>> = { string: "maxLength", array: "maxItems" };
/** What zod writes for an integer without bounds of its own. */
const NOISE = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
const INT32 = 2_147_483_647;

class Walk {
  readonly faults: StructuralFault[] = [];

  node(raw: unknown, path: string, bounded: boolean): JsonSchema {
    if (!isJsonObject(raw)) return this.fault(path, "is not a schema node");
    const tidy = tidyNumbers(raw);
    this.keys(tidy, path);
    this.shape(tidy, path);
    if (bounded) this.bounds(tidy, path);
    const out: Record<string, unknown> = {};
    for (const key of ORDER) {
      if (tidy[key] !== undefined) out[key] = this.member(key, tidy[key], path, bounded);
    }
    return out as JsonSchema;
  }

  private member(key: string, value: unknown, path: string, bounded: boolean): unknown {
    if (key === "items") return this.node(value, `${path}[]`, bounded);
    if (key === "additionalProperties") return this.node(value, `${path}[*]`, bounded);
    if (key !== "properties" || !isJsonObject(value)) return value;
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.node(inner, `${path}.${name}`, bounded)]));
  }

  private keys(node: JsonObject, path: string): void {
    const known: readonly string[] = ORDER;
    for (const key of Object.keys(node)) {
      if (!known.includes(key)) this.fault(path, `"${key}" has no place in a structural schema`);
    }
  }

  private shape(node: JsonObject, path: string): void {
    const untyped = ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"].some(
      (key) => node[key] === true,
    );
    if (node["type"] === undefined ? !untyped : !TYPES.has(node["type"])) {
      this.fault(path, `type ${JSON.stringify(node["type"])} is not allowed`);
    }
    if (node["properties"] !== undefined && node["additionalProperties"] !== undefined) {
      this.fault(path, "additionalProperties beside properties");
    }
    if (typeof node["pattern"] === "string" && /\(\?[=!<]/.test(node["pattern"])) {
      this.fault(path, "the pattern looks around; RE2 does not");
    }
  }

  private bounds(node: JsonObject, path: string): void {
    const bound =
      BOUND_BY_TYPE[String(node["type"])] ?? (isJsonObject(node["additionalProperties"]) ? "maxProperties" : "");
    const closed = node["enum"] !== undefined;
    if (bound !== "" && !closed && node[bound] === undefined) this.fault(path, `${bound} is missing`);
  }

  private fault(path: string, message: string): JsonSchema {
    this.faults.push({ path, message });
    return {};
  }
}

/** Exactly zod's own limits of integers go; real bounds stay, and tell the width. */
function tidyNumbers(node: JsonObject): JsonObject {
  if (node["type"] !== "integer") return node;
  const kept = Object.entries(node).filter(([key, value]) => !(NOISE.has(value) && /^(min|max)imum$/.test(key)));
  const narrow = typeof node["maximum"] === "number" && node["maximum"] <= INT32;
  return { ...(narrow ? { format: "int32" } : {}), ...Object.fromEntries(kept) };
}

/**
 * The schema of one whole object. The server itself declares `metadata`, and allows nothing of it to be said here but
 * that it is an object.
 */
export function structural(schema: z.ZodType): StructuralOutcome {
  const raw: unknown = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" });
  const properties = isJsonObject(raw) && isJsonObject(raw["properties"]) ? raw["properties"] : {};
  const walk = new Walk();
  const parts: Record<string, JsonSchema> = {
    apiVersion: { description: "Version of the schema: arkonis.dev/v1alpha1.", type: "string" },
    kind: { description: "Kind of the object.", type: "string" },
    metadata: { type: "object" },
  };
  for (const name of ["spec", "status"]) parts[name] = walk.node(properties[name], name, name === "spec");
  if (walk.faults.length > 0) return { kind: "refused", faults: walk.faults };
  return { kind: "structural", schema: { type: "object", required: ["spec"], properties: parts } };
}
