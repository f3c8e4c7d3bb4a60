import { expect, test } from "vitest";
import { parseJsonPath, selectJson } from "./json-path.ts";

const VALUE = { a: { b: [10, { c: "x" }, null] }, "a b": 1, "it's": 2, items: [{ n: 1 }, { n: 2 }, { m: 3 }] };

test.each([
  ["$", [VALUE]],
  ["$.a.b[0]", [10]],
  ["a.b[1].c", ["x"]],
  ["$.a.b[-1]", [null]],
  ["$['a b']", [1]],
  [`$["a b"]`, [1]],
  ["$['it\\'s']", [2]],
  ["$.items[*].n", [1, 2]],
  ["$.items.*.n", [1, 2]],
  ["$.nothing.below", []],
  ["$.a.b[9]", []],
  ["$.a.toString", []],
])("%s", (path, wanted) => {
  expect(selectJson(parseJsonPath(path)!, VALUE)).toEqual(wanted);
});

test.each(["facts: (.*)", "$.a[", "$..a", "a b", "$.a[?(@.x)]", "(?i)x"])("%s is no path", (text) => {
  expect(parseJsonPath(text)).toBeUndefined();
});
