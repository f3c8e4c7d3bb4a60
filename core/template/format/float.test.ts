/** Expected values from Go 1.26, strconv.FormatFloat and fmt.Sprintf. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatFloat, plainFloat, type FloatVerb } from "./float.ts";

test.each<[number, FloatVerb, number, string]>([
  [0.5, "f", 0, "0"],
  [1.5, "f", 0, "2"],
  [2.5, "f", 0, "2"],
  [19.99, "f", 1, "20.0"],
  [0.06, "f", 1, "0.1"],
  [0.0001, "f", 1, "0.0"],
  [1e21, "f", 2, "1000000000000000000000.00"],
  [1234.5, "e", 6, "1.234500e+03"],
  [1234567, "g", -1, "1.234567e+06"],
  [100000, "g", -1, "100000"],
  [0.00001, "g", -1, "1e-05"],
  [1234.5678, "g", 3, "1.23e+03"],
  [0, "g", 3, "0"],
  [1, "b", -1, "4503599627370496p-52"],
  [1.5, "x", -1, "0x1.8p+00"],
  [1.999, "x", 1, "0x1.0p+01"],
  [-0, "g", -1, "-0"],
  [Number.NaN, "g", -1, "NaN"],
  [Number.NEGATIVE_INFINITY, "f", 2, "-Inf"],
  [5e-324, "e", -1, "5e-324"],
])("%f as %%%s with precision %d is %s", (value, verb, precision, text) => {
  expect(formatFloat(value, verb, precision)).toBe(text);
});

test("the shortest form reads back as the same number", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      for (const verb of ["e", "f", "g"] as const) expect(Number(formatFloat(value, verb, -1))).toBe(value);
    }),
  );
});

test("whole numbers have no exponent", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(plainFloat(value)).toBe(String(value));
    }),
  );
  expect(plainFloat(1e22)).toBe("10000000000000000000000");
});
