/**
 * Constants of the template language: strconv.Unquote, strconv.UnquoteChar, and the number rules of
 * text/template/parse/node.go (newNumber) and exec.go (idealConstant).
 */
import { Failure } from "./fault.ts";
import { escapeByte, rejoin } from "./utf8.ts";

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

const ESCAPE = /\\(?:([abfnrtv\\])|(['"])|x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]?))/gu;

function byteText(byte: number): string {
  if (byte > 0xff) throw new Failure("invalid syntax");
  return byte < 0x80 ? String.fromCharCode(byte) : escapeByte(byte);
}

function runeText(code: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new Failure("invalid syntax");
  return String.fromCodePoint(code);
}

function unescape(quote: string, groups: readonly (string | undefined)[]): string {
  const [simple, quoteChar, hex, octal, short, long] = groups;
  if (simple !== undefined) return SIMPLE_ESCAPES[simple] ?? "";
  if (quoteChar === quote) return quote;
  if (hex !== undefined) return byteText(Number.parseInt(hex, 16));
  if (octal !== undefined) return byteText(Number.parseInt(octal, 8));
  const code = short ?? long;
  if (code !== undefined) return runeText(Number.parseInt(code, 16));
  throw new Failure("invalid syntax in a quoted text: unknown escape", undefined, "write \\\\ for a backslash");
}

function unquoteInner(inner: string, quote: string): string {
  return inner.replace(ESCAPE, (_, ...groups: (string | undefined)[]) => unescape(quote, groups));
}

/** Text of a string token, quotes included. */
export function unquote(token: string): string {
  const inner = token.slice(1, -1);
  if (token.startsWith("`")) return inner.replaceAll("\r", "");
  return rejoin(unquoteInner(inner, '"'));
}

/** The rune of a character constant such as `'a'` or `'\n'`. */
export function runeConstant(token: string): bigint {
  const inner = token.slice(1, -1);
  const malformed = new Failure(`malformed character constant: ${token}`);
  const raw = /^\\(?:x[\da-fA-F]{2}|[0-7]{3})$/.test(inner);
  if (raw) {
    const code = inner[1] === "x" ? Number.parseInt(inner.slice(2), 16) : Number.parseInt(inner.slice(1), 8);
    if (code > 0xff) throw malformed;
    return BigInt(code);
  }
  const chars = Array.from(unquoteInner(inner, "'"));
  const code = chars.length === 1 ? chars[0]?.codePointAt(0) : undefined;
  if (code === undefined) throw malformed;
  return BigInt(code);
}

const INT64_MAX = 2n ** 63n - 1n;
const INTEGER = /^[+-]?(?:0[xX](?:_?[\da-fA-F])+|0[oO]?(?:_?[0-7])+|0[bB](?:_?[01])+|0|[1-9](?:_?\d)*)$/;
const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]_?([\da-fA-F_]*)(?:\.([\da-fA-F_]*))?[pP]([+-]?\d+(?:_\d+)*)$/;

function parseInteger(text: string): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const negative = text.startsWith("-");
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const magnitude = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return negative ? -magnitude : magnitude;
}

function parseHexFloat(text: string): number | undefined {
  const [, sign, whole = "", part = "", exponent] = HEX_FLOAT.exec(text) ?? [];
  const digits = `${whole}${part}`.replaceAll("_", "");
  if (exponent === undefined || digits === "" || digits.length > 12) return undefined;
  const value =
    Number.parseInt(digits, 16) * 2 ** (Number(exponent.replaceAll("_", "")) - 4 * part.replaceAll("_", "").length);
  return sign === "-" ? -value : value;
}

function parseFloating(text: string): number | undefined {
  const value = DECIMAL.test(text) ? Number(text.replaceAll("_", "")) : parseHexFloat(text);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** bigint for an int constant, number for a float64: the way it is written decides, as in Go. */
export function parseNumber(text: string): bigint | number {
  if (text.endsWith("i")) throw new Failure(`complex numbers are not supported: ${text}`);
  const integer = parseInteger(text);
  if (integer !== undefined) {
    // Go calls -0x1E a float, because only an unsigned 0x is looked for before the letters of an exponent.
    if (/^[+-]0[xX].*[eE]/.test(text)) return Number(integer);
    if (integer > INT64_MAX || integer < -INT64_MAX - 1n) throw new Failure(`integer overflow: "${text}"`);
    return integer;
  }
  const float = parseFloating(text);
  if (float === undefined) throw new Failure(`illegal number syntax: "${text}"`);
  if (!/[.eEpP]/.test(text)) throw new Failure(`integer overflow: "${text}"`);
  return float;
}
