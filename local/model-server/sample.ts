/** The smallest JSON value that a JSON Schema takes, for the keywords people write; deterministic. */
import { isJsonObject, type JsonObject } from "#core/json.ts";

type Schema = JsonObject;
const MAX_DEPTH = 32;

const FORMATS: Readonly<Record<string, string>> = {
  date: "2024-01-01",
  "date-time": "2024-01-01T00:00:00Z",
  time: "00:00:00Z",
  duration: "PT1S",
  email: "someone@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  "uri-reference": "/",
  uuid: "00000000-0000-4000-8000-000000000000",
  regex: ".",
  "json-pointer": "/a",
};

export function sampleOf(schema: unknown): unknown {
  return sample(schema, schema, 0);
}

function sample(schema: unknown, root: unknown, depth: number): unknown {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return null;
  const fixed = fixedValue(schema);
  if (fixed !== undefined) return fixed.value;
  if (typeof schema["$ref"] === "string") return sample(resolve(schema["$ref"], root), root, depth + 1);
  const chosen = combined(schema, root);
  return BY_TYPE[typeOf(chosen)](chosen, root, depth);
}

type TypeName = "object" | "array" | "string" | "integer" | "number" | "boolean" | "null";

const BY_TYPE: Readonly<Record<TypeName, (schema: Schema, root: unknown, depth: number) => unknown>> = {
  object: objectOf,
  array: arrayOf,
  string: stringOf,
  integer: (schema) => numberOf(schema, 1),
  number: (schema) => numberOf(schema, 1),
  boolean: () => true,
  null: () => null,
};

function fixedValue(schema: Schema): { value: unknown } | undefined {
  if ("const" in schema) return { value: schema["const"] };
  if (Array.isArray(schema["enum"])) return { value: schema["enum"][0] };
  if ("default" in schema) return { value: schema["default"] };
  return undefined;
}

/** The first branch of a choice, and all of `allOf`, laid over the schema itself. */
function combined(schema: Schema, root: unknown): Schema {
  const branches = [
    ...list(schema["allOf"]),
    ...list(schema["anyOf"]).slice(0, 1),
    ...list(schema["oneOf"]).slice(0, 1),
  ].map((branch) =>
    isJsonObject(branch) && typeof branch["$ref"] === "string" ? resolve(branch["$ref"], root) : branch,
  );
  return branches.reduce<Schema>((whole, branch) => (isJsonObject(branch) ? merge(whole, branch) : whole), schema);
}

function merge(a: Schema, b: Schema): Schema {
  return {
    ...a,
    ...b,
    properties: { ...object(a["properties"]), ...object(b["properties"]) },
    required: [...list(a["required"]), ...list(b["required"])],
  };
}

function typeOf(schema: Schema): TypeName {
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  if (typeof type === "string" && type in BY_TYPE) return type as TypeName;
  if (Object.keys(object(schema["properties"])).length > 0 || list(schema["required"]).length > 0) return "object";
  return "items" in schema || "prefixItems" in schema ? "array" : "string";
}

function objectOf(schema: Schema, root: unknown, depth: number): unknown {
  const properties = object(schema["properties"]);
  const required = new Set(list(schema["required"]).filter((name) => typeof name === "string"));
  const names = [...Object.keys(properties).filter((name) => required.delete(name)), ...required];
  return Object.fromEntries(names.map((name) => [name, sample(properties[name] ?? {}, root, depth + 1)]));
}

function arrayOf(schema: Schema, root: unknown, depth: number): unknown {
  const prefix = list(schema["prefixItems"]);
  const length = Math.max(count(schema["minItems"]), prefix.length);
  return Array.from({ length }, (_, index) => {
    const value = sample(prefix[index] ?? schema["items"] ?? {}, root, depth + 1);
    return schema["uniqueItems"] === true && typeof value === "string" ? `${value}${index}` : value;
  });
}

function stringOf(schema: Schema): unknown {
  const known = typeof schema["format"] === "string" ? FORMATS[schema["format"]] : undefined;
  const text = (known ?? "text").padEnd(count(schema["minLength"]), ".");
  return typeof schema["maxLength"] === "number" ? text.slice(0, schema["maxLength"]) : text;
}

function numberOf(schema: Schema, step: number): number {
  const multiple = typeof schema["multipleOf"] === "number" ? schema["multipleOf"] : undefined;
  let value = lowest(schema, step);
  const most = highest(schema, step);
  if (most !== undefined && value > most) value = most;
  return multiple === undefined ? value : Math.ceil(value / multiple) * multiple;
}

function lowest(schema: Schema, step: number): number {
  if (typeof schema["minimum"] === "number") return schema["minimum"];
  return typeof schema["exclusiveMinimum"] === "number" ? schema["exclusiveMinimum"] + step : 0;
}

function highest(schema: Schema, step: number): number | undefined {
  if (typeof schema["maximum"] === "number") return schema["maximum"];
  return typeof schema["exclusiveMaximum"] === "number" ? schema["exclusiveMaximum"] - step : undefined;
}

/** `#/a/b` inside the same schema; anything else is unknown. */
function resolve(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return undefined;
  const parts = reference.slice(1).split("/").slice(1);
  return parts.reduce<unknown>((node, part) => {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    return isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  }, root);
}

function object(value: unknown): Schema {
  return isJsonObject(value) ? value : {};
}
function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
