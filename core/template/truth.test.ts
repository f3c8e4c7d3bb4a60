import { expect, test } from "vitest";
import { isTruthyText } from "./truth.ts";

test.each(["", "  \n", "false", "False ", "FALSE", "0", " 0\t", "no", "No", "null", "NULL", "[]", "{}"])(
  "%j is false",
  (text) => {
    expect(isTruthyText(text)).toBe(false);
  },
);

test.each(["true", "yes", "1", "00", "0.0", "-0", "nope", "none", "nil", "[ ]", "[0]", "{}{}", "x"])(
  "%j is true",
  (text) => {
    expect(isTruthyText(text)).toBe(true);
  },
);
