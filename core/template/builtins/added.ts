/** The functions ark adds to Go's (api.md 12): toJson, fromJson, default, sha256. */
import { Failure } from "../fault.ts";
import { defaultText } from "../format/printer.ts";
import { jsonText } from "../json.ts";
import { sha256Hex } from "../sha256.ts";
import { toBytes, toText } from "../utf8.ts";
import { isTrue, readValue, typeName, type StringMaps, type Value } from "../values.ts";

export function toJson([value]: readonly Value[]): string {
  return jsonText(value);
}

/** A missing value stays missing; a text that is no JSON fails, as its fields would silently be empty. */
export function fromJson([value]: readonly Value[], stringMaps: StringMaps): Value {
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new Failure(`expected text; got ${typeName(value, stringMaps)}`);
  try {
    return readValue(JSON.parse(toText(value)));
  } catch {
    throw new Failure("the text is not JSON");
  }
}

/** `{{ .x | default "y" }}`: y where x is missing or empty. */
export function fallback([standIn, value]: readonly Value[]): Value {
  return isTrue(value) ? value : standIn;
}

/** Hex digest of the text that the value prints as. */
export function sha256([value]: readonly Value[], stringMaps: StringMaps): string {
  return sha256Hex(toBytes(defaultText(value, stringMaps)));
}
