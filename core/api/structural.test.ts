import { describe, expect, test } from "vitest";
import * as z from "zod";
import { customResourceDefinition } from "./crd.ts";
import { KINDS } from "./kinds.ts";
import { boundedMap, ruled, unless } from "./rules.ts";
import { structural, type JsonSchema } from "./structural.ts";
import { API_VERSION } from "./v1alpha1/common.ts";

const whole = (spec: z.ZodType, status?: z.ZodType) =>
  z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal("X"),
    metadata: z.looseObject({}),
    spec,
    ...(status === undefined ? {} : { status: status.optional() }),
  });

function specOf(fields: z.ZodRawShape): JsonSchema {
  const outcome = structural(whole(z.object(fields), z.object({})));
  if (outcome.kind === "refused") throw new Error(JSON.stringify(outcome.faults));
  return outcome.schema.properties?.["spec"] ?? {};
}

function faultsOf(fields: z.ZodRawShape): readonly string[] {
  const outcome = structural(whole(z.object(fields), z.object({})));
  return outcome.kind === "refused" ? outcome.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

describe("X1: what the API server would refuse is refused here, with the path", () => {
  test.each([
    ["a union", { a: z.union([z.string().max(1), z.boolean()]) }, /^spec\.a: "anyOf" has no place/],
    ["an unknown", { a: z.unknown() }, /^spec\.a: type undefined is not allowed/],
    ["a number that is not whole", { a: z.number() }, /^spec\.a: type "number" is not allowed/],
    ["a strict object", { a: z.strictObject({ b: z.boolean() }) }, /^spec\.a: additionalProperties beside properties/],
    [
      "a look-around",
      {
        a: z
          .string()
          .max(5)
          .regex(/^(?!x)/),
      },
      /^spec\.a: the pattern looks around/,
    ],
    ["an exclusive bound", { a: z.int().gt(3) }, /^spec\.a: "exclusiveMinimum" has no place/],
    ["a fault deep inside", { a: z.array(z.object({ b: z.unknown() })).max(3) }, /^spec\.a\[\]\.b: /],
  ] as const)("%s", (_, fields, words) => {
    expect(faultsOf(fields)[0]).toMatch(words);
  });
});

describe("X2: everything of a spec has an upper bound", () => {
  test.each([
    ["a text", { a: z.string() }, "spec.a: maxLength is missing"],
    ["a list", { a: z.array(z.boolean()) }, "spec.a: maxItems is missing"],
    ["a map", { a: z.record(z.string(), z.boolean()) }, "spec.a: maxProperties is missing"],
    ["texts of a list", { a: z.array(z.string()).max(3) }, "spec.a[]: maxLength is missing"],
    ["texts of a map", { a: boundedMap(z.string(), { keys: 3, keyLength: 3 }) }, "spec.a[*]: maxLength is missing"],
  ] as const)("%s", (_, fields, words) => {
    expect(faultsOf(fields)).toEqual([words]);
  });

  test("a closed set needs none, and a status is not asked", () => {
    expect(faultsOf({ a: z.enum(["x", "y"]) })).toEqual([]);
    expect(structural(whole(z.object({}), z.object({ a: z.string() }))).kind).toBe("structural");
  });
});

test("zod's own bounds of integers go, real ones stay", () => {
  const { properties } = specOf({ a: z.int(), b: z.int().min(0), c: z.int32(), d: z.int().min(1).max(50) });
  expect(properties).toEqual({
    a: { type: "integer" },
    b: { type: "integer", minimum: 0 },
    c: { type: "integer", format: "int32", minimum: -2_147_483_648, maximum: 2_147_483_647 },
    d: { type: "integer", format: "int32", minimum: 1, maximum: 50 },
  });
});

test("a field with a default is not required; descriptions and rules travel, through wrappers too", () => {
  const rule = { cel: "self != 'x'", message: "not x", broken: unless((text: string) => text !== "x") };
  const text = ruled(z.string().max(3), rule);
  const { required, properties } = specOf({ a: text.default("y").describe("words"), b: text.optional(), c: text });
  const rules = { "x-kubernetes-validations": [{ rule: "self != 'x'", message: "not x" }] };
  expect(required).toEqual(["c"]);
  expect(properties).toEqual({
    a: { description: "words", type: "string", default: "y", maxLength: 3, ...rules },
    b: { type: "string", maxLength: 3, ...rules },
    c: { type: "string", maxLength: 3, ...rules },
  });
});

test("rules on one node add up", () => {
  const rule = (message: string) => ({ cel: "true", message, broken: unless(() => false) });
  const twice = ruled(ruled(z.string().max(3), rule("one")), rule("two"));
  expect(specOf({ a: twice }).properties?.["a"]?.["x-kubernetes-validations"]?.map(({ message }) => message)).toEqual([
    "one",
    "two",
  ]);
  expect(twice.safeParse("x").error?.issues.map(({ message }) => message)).toEqual(["one", "two"]);
});

describe.each(Object.values(KINDS))("$kind", (info) => {
  test("X3: the same definition twice gives the same bytes", () => {
    const [one, two] = [customResourceDefinition(info), customResourceDefinition(info)];
    expect(one.kind).toBe("crd");
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
  });

  test("every field has words for kubectl explain", () => {
    const outcome = structural(info.schema);
    const { spec = {}, status = {} } = outcome.kind === "structural" ? (outcome.schema.properties ?? {}) : {};
    expect([...undescribed(spec, "spec"), ...undescribed(status, "status")]).toEqual([]);
  });
});

function undescribed(schema: JsonSchema, path: string): readonly string[] {
  const below = [
    ...(schema.items === undefined ? [] : undescribed({ description: "-", ...schema.items }, `${path}[]`)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => undescribed(inner, `${path}.${name}`)),
  ];
  return schema.description === undefined ? [path, ...below] : below;
}
