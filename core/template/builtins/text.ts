/** print, println, html, js, urlquery (Go, src/fmt/print.go and src/text/template/funcs.go). */
import { defaultText } from "../format/printer.ts";
import { isPrint } from "../format/quote.ts";
import { isEscapedByte, rejoin, toBytes } from "../utf8.ts";
import type { StringMaps, Value } from "../values.ts";

function text(value: Value, stringMaps: StringMaps): string {
  return value === null ? "<nil>" : defaultText(value, stringMaps);
}

/** A space stands between two arguments when neither is a string. */
export function print(args: readonly Value[], stringMaps: StringMaps): string {
  let out = "";
  let previousIsText = true;
  for (const value of args) {
    const isText = typeof value === "string";
    out += (isText || previousIsText ? "" : " ") + text(value, stringMaps);
    previousIsText = isText;
  }
  return rejoin(out);
}

export function println(args: readonly Value[], stringMaps: StringMaps): string {
  return `${rejoin(args.map((value) => text(value, stringMaps)).join(" "))}\n`;
}

/** The escapers print nil as a text, which for us is the empty one. */
function evalArgs(args: readonly Value[], stringMaps: StringMaps): string {
  return print(
    args.map((value) => (value === null ? "<no value>" : (value ?? ""))),
    stringMaps,
  );
}

const HTML: Readonly<Record<string, string>> = {
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\0": "\ufffd",
};

export function html(args: readonly Value[], stringMaps: StringMaps): string {
  // oxlint-disable-next-line no-control-regex
  return evalArgs(args, stringMaps).replace(/["'&<>\0]/g, (char) => HTML[char] ?? char);
}

const JS: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

function jsEscape(char: string): string {
  const known = JS[char];
  if (known !== undefined) return known;
  if ((char >= " " && char < "\x80") || isEscapedByte(char) || (char >= "\x80" && isPrint(char))) return char;
  return `\\u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

export function js(args: readonly Value[], stringMaps: StringMaps): string {
  return Array.from(evalArgs(args, stringMaps), jsEscape).join("");
}

const UNRESERVED = /^[A-Za-z0-9\-_.~]$/;

/** net/url.QueryEscape: a space is `+`, everything but letters, digits and `-_.~` is percent-encoded. */
export function urlquery(args: readonly Value[], stringMaps: StringMaps): string {
  return Array.from(toBytes(evalArgs(args, stringMaps)), (byte) => {
    const char = String.fromCharCode(byte);
    if (byte === 0x20) return "+";
    return UNRESERVED.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}
