/** strconv.Quote and its relatives (Go, src/strconv/quote.go). */
import { isEscapedByte } from "../utf8.ts";

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrint(char: string): boolean {
  return PRINTABLE.test(char);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}

function unprintable(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (isEscapedByte(char)) return `\\x${hex(code & 0xff, 2)}`;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function escaped(char: string, quote: string, asciiOnly: boolean): string {
  if (char === quote) return `\\${quote}`;
  const short = ESCAPES[char];
  if (short !== undefined) return short;
  return isPrint(char) && !(asciiOnly && char > "\x7f") ? char : unprintable(char);
}

/** `quote` is `"` for a string and `'` for a character. */
export function quoted(text: string, quote: string, asciiOnly: boolean): string {
  let out = quote;
  for (const char of text) out += escaped(char, quote, asciiOnly);
  return out + quote;
}

/** Whether the text can stand between backquotes unchanged. */
export function canBackquote(text: string): boolean {
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if ((code < 0x20 && char !== "\t") || char === "`" || code === 0x7f || code === 0xfeff || isEscapedByte(char))
      return false;
  }
  return true;
}
