/**
 * What a template computes with: Go's types as `encoding/json` and text/template's constants produce them.
 *
 * | Go | here |
 * |---|---|
 * | int | bigint (literals, `len`, range indexes) |
 * | float64 | number (JSON numbers, literals with a point or exponent) |
 * | uint8 | ByteValue (`index` of a string) |
 * | string, bool | string, boolean |
 * | []any, map[string]any | array, plain object |
 * | the literal nil | null |
 * | a missing key, JSON null | undefined: prints empty, is false (deviation, api.md 12) |
 */
import { wellFormed } from "./utf8.ts";

export class ByteValue {
  readonly byte: number;
  constructor(byte: number) {
    this.byte = byte;
  }
}

export type List = readonly unknown[];
export type Dict = { readonly [key: string]: unknown };
export type Value = undefined | null | boolean | bigint | number | string | ByteValue | List | Dict;

/** Where a value stands below the root; undefined when it does not come from the data. */
export type Path = readonly string[];
export type Traced = { readonly value: Value; readonly path: Path | undefined };

export type Kind = "nil" | "bool" | "int" | "uint" | "float" | "string" | "list" | "map";

/** The objects of the data that Go holds as map[string]string: there a missing key is the empty string. */
export type StringMaps = ReadonlySet<unknown>;

/** Data as a value. Functions and symbols are nothing a template could mean. */
export function readValue(raw: unknown): Value {
  switch (typeof raw) {
    case "string":
      return wellFormed(raw);
    case "number":
    case "boolean":
    case "bigint":
      return raw;
    case "object":
      return raw === null ? undefined : (raw as List | Dict | ByteValue);
    default:
      return undefined;
  }
}

export function isList(value: Value): value is List {
  return Array.isArray(value);
}

export function isDict(value: Value): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ByteValue);
}

const KIND_OF_PRIMITIVE: Readonly<Record<string, Kind>> = {
  boolean: "bool",
  bigint: "int",
  number: "float",
  string: "string",
};

export function kindOf(value: Value): Kind {
  if (value === undefined || value === null) return "nil";
  const primitive = KIND_OF_PRIMITIVE[typeof value];
  if (primitive !== undefined) return primitive;
  if (value instanceof ByteValue) return "uint";
  return isList(value) ? "list" : "map";
}

const TYPE_NAME: Readonly<Record<Kind, string>> = {
  nil: "<nil>",
  bool: "bool",
  int: "int",
  uint: "uint8",
  float: "float64",
  string: "string",
  list: "[]interface {}",
  map: "map[string]interface {}",
};

/** The type as Go names it in messages and `%T`. */
export function typeName(value: Value, stringMaps: StringMaps): string {
  return stringMaps.has(value) ? "map[string]string" : TYPE_NAME[kindOf(value)];
}

/** Own keys only: members of the prototype (`constructor`, `toString`) are never reachable. */
export function lookUp(dict: Dict, key: string, stringMaps: StringMaps): Value {
  if (Object.hasOwn(dict, key)) return readValue(dict[key]);
  return stringMaps.has(dict) ? "" : undefined;
}

/** text/template.IsTrue: a value is false when it is the zero of its type, or empty. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (value instanceof ByteValue) return value.byte !== 0;
  if (isList(value)) return value.length > 0;
  if (typeof value === "object") return Object.keys(value).length > 0;
  // NaN is not zero, so Go calls it true where JavaScript does not.
  return typeof value === "number" ? value !== 0 : Boolean(value);
}
