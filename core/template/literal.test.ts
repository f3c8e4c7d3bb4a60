/** Expected values from Go 1.26, text/template. */
import { expect, test } from "vitest";
import { parseNumber, runeConstant, unquote } from "./literal.ts";

test.each<[string, bigint | number]>([
  ["42", 42n],
  ["-3", -3n],
  ["+5", 5n],
  ["0x1F", 31n],
  ["0b101", 5n],
  ["0o17", 15n],
  ["017", 15n],
  ["1_000", 1000n],
  ["1e3", 1000],
  ["1.0", 1],
  [".5", 0.5],
  ["3.", 3],
  ["1_0.5", 10.5],
  ["0x1p4", 16],
  ["0x1.8p1", 3],
  ["-9223372036854775808", -9223372036854775808n],
])("%s", (text, value) => {
  expect(parseNumber(text)).toBe(value);
});

test.each(["089", "9223372036854775808", "1__0", "_1", "1_", "0x", "1e", "1i", ".", "1.5.2", "0b12"])(
  "%s is refused",
  (text) => {
    expect(() => parseNumber(text)).toThrow();
  },
);

test.each([
  ['"a\\tb\\u00e9\\x41\\101\\""', 'a\tbéAA"'],
  ['"\\xc3\\xa9"', "é"],
  ["`a\\n\r`", "a\\n"],
])("%s", (token, text) => {
  expect(unquote(token)).toBe(text);
});

test.each(['"\\q"', '"\\\'"', '"\\ud800"', '"\\400"', '"\\x1"'])("%s is refused", (token) => {
  expect(() => unquote(token)).toThrow();
});

test.each<[string, bigint]>([
  ["'a'", 97n],
  ["'\\n'", 10n],
  ["'é'", 233n],
  ["'\\''", 39n],
  ["'\\xff'", 255n],
])("%s", (token, rune) => {
  expect(runeConstant(token)).toBe(rune);
});
