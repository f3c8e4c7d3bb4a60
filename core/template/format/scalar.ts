/** How one number, character, string or boolean prints under a verb (Go, src/fmt/format.go). */
import { runeCount, toBytes } from "../utf8.ts";
import { formatFloat, type FloatVerb } from "./float.ts";
import { canBackquote, isPrint, quoted } from "./quote.ts";
import { pad, padding, padWithSpaces, type Spec } from "./spec.ts";

const BASE: Readonly<Record<string, number>> = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

export function formatInteger(spec: Spec, value: bigint, verb: string): string | undefined {
  switch (verb) {
    case "c":
      return pad(spec, runeText(value));
    case "q":
      return pad(spec, quoted(runeText(value), "'", spec.plus));
    case "U":
      return unicode(spec, BigInt.asUintN(64, value));
    default:
      return verb in BASE ? inBase(spec, value, verb) : undefined;
  }
}

function runeText(value: bigint): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  return valid ? String.fromCodePoint(Number(value)) : "\ufffd";
}

function unicode(spec: Spec, code: bigint): string {
  const digits = code
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(spec.precision ?? 4, 4), "0");
  const char = code <= 0x10ffffn ? runeText(code) : "";
  return padWithSpaces(spec, `U+${digits}${spec.sharp && isPrint(char) ? ` '${char}'` : ""}`);
}

/** Zeros asked for by a precision, or by the zero flag with a width. */
function minDigits(spec: Spec, signed: boolean): number {
  if (spec.precision !== undefined) return spec.precision;
  return spec.zero && !spec.minus && spec.width !== undefined ? spec.width - (signed ? 1 : 0) : 0;
}

function basePrefix(spec: Spec, digits: string, verb: string): string {
  if (verb === "O") return spec.sharp && !digits.startsWith("0") ? "0o0" : "0o";
  if (!spec.sharp) return "";
  if (verb === "b") return "0b";
  if (verb === "o") return digits.startsWith("0") ? "" : "0";
  return verb === "x" || verb === "X" ? `0${verb}` : "";
}

function positiveSign(spec: Spec): string {
  if (spec.plus) return "+";
  return spec.space ? " " : "";
}

function inBase(spec: Spec, value: bigint, verb: string): string {
  if (spec.precision === 0 && value === 0n) return padding({ ...spec, zero: false }, spec.width ?? 0);
  const negative = value < 0n;
  const magnitude = (negative ? -value : value).toString(BASE[verb] ?? 10);
  const cased = verb === "X" ? magnitude.toUpperCase() : magnitude;
  const digits = cased.padStart(minDigits(spec, negative || spec.plus || spec.space), "0");
  const sign = negative ? "-" : positiveSign(spec);
  return padWithSpaces(spec, sign + basePrefix(spec, digits, verb) + digits);
}

const FLOAT_VERB: Readonly<Record<string, readonly [FloatVerb, number]>> = {
  v: ["g", -1],
  b: ["b", -1],
  g: ["g", -1],
  G: ["G", -1],
  x: ["x", -1],
  X: ["X", -1],
  f: ["f", 6],
  F: ["f", 6],
  e: ["e", 6],
  E: ["E", 6],
};

export function formatFloatVerb(spec: Spec, value: number, verb: string): string | undefined {
  const [strconvVerb, usual] = FLOAT_VERB[verb] ?? [];
  if (strconvVerb === undefined || usual === undefined) return undefined;
  const precision = spec.precision ?? usual;
  return signedFloat(spec, formatFloat(value, strconvVerb, precision), strconvVerb, precision);
}

/** Sign, `#` and padding of a float whose digits are known. */
export function signedFloat(spec: Spec, text: string, verb: FloatVerb, precision: number): string {
  const negative = text.startsWith("-");
  const magnitude = /^[+-]/.test(text) ? text.slice(1) : text;
  const sign = negative ? "-" : positiveSign(spec);
  if (/^[IN]/.test(magnitude)) return padWithSpaces(spec, sign + magnitude);
  const digits = spec.sharp && verb !== "b" ? withPoint(magnitude, verb, precision) : magnitude;
  // The sign stands before the zeros of the padding.
  if (sign !== "" && spec.zero && !spec.minus) return sign + pad({ ...spec, width: (spec.width ?? 0) - 1 }, digits);
  return pad(spec, sign + digits);
}

const COUNTS_DIGITS: ReadonlySet<string> = new Set(["g", "G", "x"]);

/** The sharp flag: always a decimal point, and for %g the zeros that belong to the precision. */
function withPoint(text: string, verb: FloatVerb, precision: number): string {
  const split = verb === "x" || verb === "X" ? /[pP]/ : /[pPeE]/;
  const at = text.search(split);
  const head = at < 0 ? text : text.slice(0, at);
  const tail = at < 0 ? "" : text.slice(at);
  let missing = COUNTS_DIGITS.has(verb) ? (precision === -1 ? 6 : precision) : 0;
  missing -= head.replace(".", "").replace(/^0+/, "").length;
  if (head.includes(".")) return head + "0".repeat(Math.max(missing, 0)) + tail;
  if (head === "0") missing--;
  return `${head}.${"0".repeat(Math.max(missing, 0))}${tail}`;
}

function truncated(spec: Spec, text: string): string {
  if (spec.precision === undefined || runeCount(text) <= spec.precision) return text;
  return Array.from(text).slice(0, spec.precision).join("");
}

export function formatString(spec: Spec, text: string, verb: string): string | undefined {
  switch (verb) {
    case "s":
      return pad(spec, truncated(spec, text));
    case "v":
      return spec.sharpV ? quotedString(spec, text) : pad(spec, truncated(spec, text));
    case "q":
      return quotedString(spec, text);
    case "x":
    case "X":
      return hexString(spec, text, verb);
    default:
      return undefined;
  }
}

function quotedString(spec: Spec, whole: string): string {
  const text = truncated(spec, whole);
  return pad(spec, spec.sharp && canBackquote(text) ? `\`${text}\`` : quoted(text, '"', spec.plus));
}

function hexString(spec: Spec, text: string, verb: "x" | "X"): string {
  const bytes = toBytes(text).subarray(0, spec.precision);
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const cased = verb === "X" ? pairs.map((pair) => pair.toUpperCase()) : pairs;
  const prefix = spec.sharp && cased.length > 0 ? `0${verb}` : "";
  return pad(spec, spec.space ? cased.map((pair) => prefix + pair).join(" ") : prefix + cased.join(""));
}

export function formatBoolean(spec: Spec, value: boolean, verb: string): string | undefined {
  return verb === "t" || verb === "v" ? pad(spec, String(value)) : undefined;
}
