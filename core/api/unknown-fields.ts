/** Fields that no schema names. The API server drops them in silence; here each is a fault (P10). */
import { isJsonObject, type JsonObject } from "#core/json.ts";
import { didYouMean, pathText, type Fault } from "./fault.ts";
import type { JsonSchema } from "./structural.ts";

type Place = readonly PropertyKey[];

function ofList(value: unknown, items: JsonSchema, place: Place): Fault[] {
  return Array.isArray(value) ? value.flatMap((item, i) => unknownFields(item, items, [...place, i])) : [];
}

function ofObject(value: JsonObject, known: Readonly<Record<string, JsonSchema>>, place: Place): Fault[] {
  return Object.entries(value).flatMap(([name, inner]): Fault[] => {
    const at = [...place, name];
    const schema = Object.hasOwn(known, name) ? known[name] : undefined;
    if (schema !== undefined) return unknownFields(inner, schema, at);
    return [{ path: pathText(at), message: "unknown field", ...didYouMean(name, Object.keys(known)) }];
  });
}

/** In the order of the document. What has the wrong type is left to the schema. */
export function unknownFields(value: unknown, schema: JsonSchema, place: Place): Fault[] {
  const { items, additionalProperties, properties } = schema;
  if (items !== undefined) return ofList(value, items, place);
  if (!isJsonObject(value)) return [];
  if (properties !== undefined) return ofObject(value, properties, place);
  if (additionalProperties === undefined) return [];
  return Object.entries(value).flatMap(([key, inner]) => unknownFields(inner, additionalProperties, [...place, key]));
}
