/** Expected values from Go 1.26, fmt.Sprintf. */
import { expect, test } from "vitest";
import { ByteValue, type Value } from "../values.ts";
import { sprintf } from "./printf.ts";

test.each<[string, Value[], string]>([
  ["%d|%5d|%-5d|%05d|%+d|% d", [1n, 2n, 3n, -4n, 5n, 6n], "1|    2|3    |-0004|+5| 6"],
  [
    "%x %X %#x %o %#o %O %b %c %q %U %#U",
    [255n, 255n, 255n, 8n, 8n, 8n, 5n, 233n, 233n, 233n, 233n],
    "ff FF 0xff 10 010 0o10 101 é 'é' U+00E9 U+00E9 'é'",
  ],
  [
    "%s|%5s|%-5s|%.2s|%q|%#q|%x|% X|%+q",
    ["a", "é", "é", "日本語", "a\n", "a", "hi", "hi", "é"],
    'a|    é|é    |日本|"a\\n"|`a`|6869|68 69|"\\u00e9"',
  ],
  [
    "%f %.2f %6.1f %-8.3e| %g %G %+.1f %08.3f",
    [1.5, 2.345, 3.25, 4.5, 1e-7, 1e-7, 2.25, -3.14159],
    "1.500000 2.35    3.2 4.500e+00| 1e-07 1E-07 +2.2 -003.142",
  ],
  ["%v %v %v %v %t", [1n, 1e21, 0.1, true, false], "1 1000000000000000000000 0.1 true false"],
  ["%d %t %s %z", ["x", 1n, 2.5, null], "%!d(string=x) %!t(int=1) %!s(float64=2.5) %!z(<nil>)"],
  ["%d %d", [1n], "1 %!d(MISSING)"],
  ["%d", [1n, "a", null], "1%!(EXTRA string=a, <nil>)"],
  ["%[2]d %[1]d %[5]d %[x]d", [1n, 2n], "2 1 %!d(BADINDEX) %!d(BADINDEX)"],
  ["%*d|%-*d|%.*f|%*d", [4n, 1n, 4n, 2n, 1n, 2.55, "w", 3n], "   1|2   |2.5|%!(BADWIDTH)3"],
  ["%", [], "%!(NOVERB)"],
  ["100%%", [], "100%"],
  ["%T %T %T %T %T", [1n, 1, "", null, []], "int float64 string <nil> []interface {}"],
  [
    "%v|%+v|%#v",
    [
      ["a", 1],
      ["a", 1],
      ["a", 1],
    ],
    '["a",1]|[a 1]|[]interface {}{"a", 1}',
  ],
  [
    "%s|%d|%#v",
    [{ b: "x", a: null }, { a: 1.5 }, { a: null }],
    'map[a:<nil> b:x]|map[%!d(string=a):%!d(float64=1.5)]|map[string]interface {}{"a":interface {}(nil)}',
  ],
  ["%d %v %#v", [new ByteValue(7), new ByteValue(7), new ByteValue(7)], "7 7 0x7"],
  ["%6.2f%%|%#g|%#.3x", [99.5, 1, "abcd"], " 99.50%|1.00000|0x616263"],
])("%s", (format, args, text) => {
  expect(sprintf(format, args, new Set())).toBe(text);
});
