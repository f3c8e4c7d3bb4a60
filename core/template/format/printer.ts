/**
 * How a value prints under a verb (Go, src/fmt/print.go).
 *
 * Deviations (api.md 12), for %v and the print functions: a whole number prints whole, an object or list as compact
 * JSON, a missing key or null as nothing (under %s too). Inside `%!d(float64=3)` and under every other verb all is Go's.
 */
import { Failure } from "../fault.ts";
import { jsonText } from "../json.ts";
import { compareText } from "../utf8.ts";
import {
  ByteValue,
  isDict,
  isList,
  readValue,
  typeName,
  type Dict,
  type List,
  type StringMaps,
  type Value,
} from "../values.ts";
import { plainFloat } from "./float.ts";
import { formatBoolean, formatFloatVerb, formatInteger, formatString, signedFloat } from "./scalar.ts";
import { MAX_CHARS, pad, plainSpec, type Spec } from "./spec.ts";

/** `goOnly` switches the deviations off. */
type How = { spec: Spec; verb: string; stringMaps: StringMaps; goOnly: boolean };

export function badVerb(how: How, value: Value): string {
  if (value === undefined || value === null) return `%!${how.verb}(<nil>)`;
  const inner = printArgument({ ...how, verb: "v", goOnly: true }, value);
  return `%!${how.verb}(${typeName(value, how.stringMaps)}=${inner})`;
}

export function printArgument(how: How, value: Value): string {
  if (value === undefined || value === null) return printNil(how, value);
  if (how.verb === "T") return formatString(how.spec, typeName(value, how.stringMaps), "s") ?? "";
  return printsAsJson(how, value) ? jsonText(value) : printValue(how, value);
}

function printNil(how: How, value: undefined | null): string {
  if (value === undefined && !how.goOnly && (how.verb === "v" || how.verb === "s")) return pad(how.spec, "");
  return how.verb === "v" || how.verb === "T" ? pad(how.spec, "<nil>") : badVerb(how, value);
}

function printsAsJson({ spec, verb, goOnly }: How, value: Value): boolean {
  if (goOnly || verb !== "v" || !(isList(value) || isDict(value))) return false;
  return !spec.sharpV && !spec.plusV && spec.width === undefined && spec.precision === undefined;
}

function printValue(how: How, value: Value): string {
  if (isList(value)) return printList(how, value);
  if (isDict(value)) return printDict(how, value);
  return printScalar(how, value) ?? badVerb(how, value);
}

function printScalar(how: How, value: Value): string | undefined {
  const { spec, verb } = how;
  switch (typeof value) {
    case "boolean":
      return formatBoolean(spec, value, verb);
    case "string":
      return formatString(spec, value, verb);
    case "bigint":
      return formatInteger(spec, value, verb);
    case "number":
      return printFloat(how, value);
    default:
      return value instanceof ByteValue ? printByte(spec, value, verb) : undefined;
  }
}

function printFloat({ spec, verb, goOnly }: How, value: number): string | undefined {
  const whole = verb === "v" && !goOnly && !spec.sharpV && spec.precision === undefined;
  return whole ? signedFloat(spec, plainFloat(value), "g", -1) : formatFloatVerb(spec, value, verb);
}

function printByte(spec: Spec, value: ByteValue, verb: string): string | undefined {
  const number = BigInt(value.byte);
  return verb === "v" && spec.sharpV
    ? formatInteger({ ...spec, sharp: true }, number, "x")
    : formatInteger(spec, number, verb);
}

/** An element of a list or map: Go holds it in an interface, so nil prints alike under every verb. */
function printElement(how: How, raw: unknown): string {
  const value = readValue(raw);
  if (value === undefined) return how.spec.sharpV ? "interface {}(nil)" : "<nil>";
  return printValue({ ...how, goOnly: true }, value);
}

/** Stops as soon as the parts are too long together: a width applies to each of them. */
function joined<Part>(how: How, parts: readonly Part[], print: (part: Part) => string): string {
  const separator = how.spec.sharpV ? ", " : " ";
  let text = "";
  let first = true;
  for (const part of parts) {
    text += first ? print(part) : separator + print(part);
    first = false;
    if (text.length > MAX_CHARS) throw new Failure("the formatted text is too long");
  }
  return text;
}

function printList(how: How, list: List): string {
  const text = joined(how, list, (part) => printElement(how, part));
  return how.spec.sharpV ? `[]interface {}{${text}}` : `[${text}]`;
}

function printDict(how: How, dict: Dict): string {
  const keys = Object.keys(dict).toSorted(compareText);
  const text = joined(how, keys, (key) => `${printElement(how, key)}:${printElement(how, dict[key])}`);
  return how.spec.sharpV ? `${typeName(dict, how.stringMaps)}{${text}}` : `map[${text}]`;
}

/** The value as an action prints it. */
export function defaultText(value: Value, stringMaps: StringMaps): string {
  return printArgument({ spec: plainSpec(), verb: "v", stringMaps, goOnly: false }, value);
}
