import { expect, test } from "vitest";
import { extract } from "./context-policy.ts";

test.each([
  ["$.summary", '{"summary":"short","all":"long"}', "short"],
  ["$.facts", '```json\n{"facts":[1,{"a":2}]}\n```', '[1,{"a":2}]'],
  ["$.facts[*].n", '{"facts":[{"n":1},{"n":2}]}', "[1,2]"],
  ["$.missing[*]", '{"missing":[null]}', "[null]"],
  ["SUMMARY: (.*)", "text\nSUMMARY: the short one\nmore", "the short one"],
  ["[0-9]+", "on the 24th", "24"],
  ["summary", "a summary", "summary"],
])("extract %s", async (path, answer, context) => {
  expect(await extract(path, answer)).toEqual({ kind: "context", context });
});

test.each([
  ["$.other", '{"summary":"short"}'],
  ["SUMMARY: (.*)", "nothing of the kind"],
  ["(unclosed", "text"],
])("extract %s finds nothing and says why", async (path, answer) => {
  expect(await extract(path, answer)).toMatchObject({ kind: "missed", reason: expect.any(String) });
});
