import { expect, test } from "vitest";
import { causes, innermostReason } from "./causes.ts";

const refused = new Error("connect ECONNREFUSED 127.0.0.1:80");

test.each([
  ["of itself", refused, refused.message],
  ["of what caused it", new TypeError("fetch failed", { cause: refused }), refused.message],
  [
    "of the first of several addresses",
    new TypeError("fetch failed", { cause: new AggregateError([refused, new Error("another")]) }),
    refused.message,
  ],
  ["by its name where it has no words", new RangeError(""), "RangeError"],
  ["that is none", "a text", "a text"],
])("the reason of an error is that %s", (_, error, reason) => {
  expect(innermostReason(error)).toBe(reason);
});

test("causes come outermost first", () => {
  const outer = new TypeError("fetch failed", { cause: refused });
  expect(causes(outer)).toEqual([outer, refused]);
});
