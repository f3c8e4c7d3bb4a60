/** E13: the schemas declare nothing that no code reads or writes, and nothing that no test names. */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { readSources, ROOT, type Source } from "./architecture/imports.ts";

const PRODUCT = ["core", "platform", "functions", "operator", "local", "cli"];
/** Its schemas are what is judged here. */
const SCHEMAS = "core/api/";

/** Declared, and of no effect yet; each with its reason. */
const RESERVED = new Map([["ArkRun.status.totalCostUSD", "no model has a known price: the documents say it is empty"]]);

type Node = {
  readonly properties?: Readonly<Record<string, Node>> | undefined;
  readonly items?: Node | undefined;
  readonly additionalProperties?: Node | boolean | undefined;
};
const Schema: z.ZodType<Node> = z.lazy(() =>
  z.looseObject({
    properties: z.record(z.string(), Schema).optional(),
    items: Schema.optional(),
    additionalProperties: z.union([z.boolean(), Schema]).optional(),
  }),
);
const Crd = z.looseObject({
  spec: z.looseObject({
    names: z.looseObject({ kind: z.string() }),
    versions: z.array(z.looseObject({ schema: z.looseObject({ openAPIV3Schema: Schema }) })),
  }),
});

function* fieldsOf(node: Node, at: string): Generator<string> {
  for (const [name, field] of Object.entries(node.properties ?? {})) {
    yield `${at}.${name}`;
    yield* fieldsOf(field, `${at}.${name}`);
  }
  if (node.items !== undefined) yield* fieldsOf(node.items, at);
  if (typeof node.additionalProperties === "object") yield* fieldsOf(node.additionalProperties, at);
}

const fields: string[] = [];
let sources: Source[] = [];
beforeAll(async () => {
  const files = (await readdir(path.join(ROOT, "crds"))).filter((file) => file.startsWith("arkonis.dev_"));
  for (const file of files) {
    const { spec } = Crd.parse(parse(await readFile(path.join(ROOT, "crds", file), "utf8")));
    const { properties } = spec.versions[0]?.schema.openAPIV3Schema ?? {};
    for (const top of ["spec", "status"])
      fields.push(...fieldsOf(properties?.[top] ?? {}, `${spec.names.kind}.${top}`));
  }
  sources = await readSources([...PRODUCT, "test"]);
}, 60_000);

function unnamedIn(texts: readonly Source[]): readonly string[] {
  const words = new Set(texts.flatMap(({ text }) => text.match(/\w+/g) ?? []));
  return fields.filter((field) => !words.has(field.slice(field.lastIndexOf(".") + 1)));
}

const isTest = ({ file }: Source) => file.endsWith(".test.ts") || file.startsWith("test/");

test("E13: each field of each kind is used by the product, or is reserved with a reason", () => {
  expect(fields.length).toBeGreaterThan(200);
  const product = sources.filter((source) => !isTest(source) && !source.file.startsWith(SCHEMAS));
  expect(unnamedIn(product)).toEqual([...RESERVED.keys()]);
});

test("E13: each field of each kind is named by a test", () => {
  const here = "test/schema-fields.test.ts";
  const tests = sources.filter((source) => isTest(source) && source.file !== here);
  expect(unnamedIn(tests)).toEqual([...RESERVED.keys()]);
});
