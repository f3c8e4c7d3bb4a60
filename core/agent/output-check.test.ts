import { expect, test } from "vitest";
import { checkAnswer, compileChecks, readVerdict, type Checks } from "./output-check.ts";
import { compileSchema } from "./schema-check.ts";
import type { Validation } from "./task.ts";

async function checks(outputSchema?: unknown, validate: Validation = {}): Promise<Checks> {
  const compiled = await compileChecks({ validate, ...(outputSchema !== undefined && { outputSchema }) });
  if (compiled.kind === "bad") throw new Error(compiled.reason);
  return compiled;
}

const NESTED = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  required: ["kind", "when"],
  additionalProperties: false,
  properties: {
    kind: { enum: ["a", "b"] },
    when: { type: "string", format: "date-time" },
    list: {
      type: "array",
      maxItems: 2,
      prefixItems: [{ type: "integer", minimum: 1 }],
      items: { $ref: "#/$defs/name" },
    },
  },
  $defs: { name: { type: "string", pattern: "^[a-z]+$" } },
};

test("D14: nested values, enums, bounds, formats and references are all checked", async () => {
  const good = { kind: "a", when: "2024-02-29T10:00:00Z", list: [1, "ab"] };
  const compiled = await checks(JSON.stringify(NESTED));
  expect(checkAnswer(compiled, JSON.stringify(good))).toEqual({ kind: "valid", json: good });
  const bad = { kind: "c", when: "29.2.2024", list: [0, "AB"], more: 1 };
  const verdict = checkAnswer(compiled, JSON.stringify(bad));
  expect(verdict).toMatchObject({ kind: "invalid", code: "output.schema", retryable: true });
  if (verdict.kind !== "invalid") return;
  for (const part of [
    '(root): must NOT have additional properties ("more")',
    '/kind: must be equal to one of the allowed values (["a","b"])',
    "/when",
    "/list/0",
    "/list/1",
  ]) {
    expect(verdict.message).toContain(part);
  }
});

test("no more than five pointers are shown", async () => {
  const compiled = await checks({ type: "array", items: { type: "string" } });
  const verdict = checkAnswer(compiled, JSON.stringify(Array.from({ length: 50 }, (_, i) => i)));
  expect(verdict.kind === "invalid" && verdict.message.match(/\/\d+:/g)).toHaveLength(5);
});

test.each([
  ["a remote reference", { $ref: "https://example.com/schema.json" }],
  ["no JSON", "{"],
  ["no schema", [1]],
  ["a keyword of the wrong type", { type: "object", required: "a" }],
])("P10: %s does not compile", async (_name, schema) => {
  expect(await compileSchema(schema)).toMatchObject({ kind: "bad", reason: expect.stringMatching(/schema/) });
});

test("true takes all, false takes nothing, equal ids do not collide", async () => {
  const twice = { $id: "https://example.com/a", type: "integer" };
  expect(checkAnswer(await checks(twice, { schema: twice }), "1")).toMatchObject({ kind: "valid" });
  expect(checkAnswer(await checks(true), "{}")).toMatchObject({ kind: "valid" });
  expect(checkAnswer(await checks(false), "{}")).toMatchObject({ kind: "invalid" });
});

test("rejectPatterns → contains → schema; patterns are RE2 and linear", async () => {
  const compiled = await checks({ type: "object" }, { rejectPatterns: ["(a+)+$"], contains: "ok" });
  expect(checkAnswer(compiled, `${"a".repeat(50_000)}!`)).toMatchObject({ code: "output.contains" });
  expect(checkAnswer(compiled, "not ok: aaa")).toMatchObject({ code: "output.rejected", retryable: false });
  expect(checkAnswer(compiled, "ok")).toMatchObject({ code: "output.schema" });
  expect(checkAnswer(compiled, '{"x":"ok"}')).toMatchObject({ kind: "valid" });
});

test.each([
  ["VALID", { kind: "valid" }],
  ["\n VALID ", { kind: "valid" }],
  ["INVALID: too short", { kind: "invalid", code: "output.semantic", message: "too short", retryable: true }],
  ["INVALID:", { kind: "invalid", message: "the criteria are not met" }],
  ["INVALID", { kind: "unclear" }],
  ["VALID, I think", { kind: "unclear" }],
  ["", { kind: "unclear" }],
])("D25: the judge's %j", (reply, wanted) => {
  expect(readVerdict(reply)).toMatchObject(wanted);
});
