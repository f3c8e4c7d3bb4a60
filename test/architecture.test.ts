/**
 * The second guard of the walls; the linter is the first (`.oxlintrc.json`). Rules: `architecture/rules.ts`.
 */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { impureUses, topLevelActions } from "./architecture/habits.ts";
import { cycleOf, parseSource, readSources, ROOT, type Source } from "./architecture/imports.ts";
import { fault, FREE, rowOf } from "./architecture/rules.ts";

const FOLDERS = ["core", "platform", "functions", "operator", "local", "cli", "dashboard"];
const AROUND = ["scripts", "test", "bench", "examples"];

let sources: Source[] = [];
let product: Source[] = [];
beforeAll(async () => {
  sources = await readSources([...FOLDERS, ...AROUND]);
  product = sources.filter(({ file }) => !FREE.test(file));
}, 60_000);

test("every file of the product belongs to a row, and imports only what its row may", () => {
  expect(product.length).toBeGreaterThan(100);
  expect(product.filter(({ file }) => rowOf(file) === undefined).map(({ file }) => file)).toEqual([]);
  expect(product.flatMap(({ imports }) => imports.map(fault).filter((words) => words !== undefined))).toEqual([]);
});

test.each([
  ["core/api/x.ts", 'import { f } from "../pipeline/plan.ts";', "core/api may not import core/pipeline/plan.ts"],
  ["core/pipeline/x.ts", 'import * as fs from "node:fs";', "declare a port"],
  ["core/pipeline/x.ts", 'import type { Turn } from "#core/agent/task.ts";', "core/pipeline may not import core/agent"],
  ["core/events/x.ts", 'export * from "#core/ports/record.ts";', "except as a type"],
  ["platform/http/x.ts", 'import { f } from "#platform/kube/x.ts";', "platform/http may not import platform/kube"],
  [
    "platform/http/x.ts",
    'import { connect } from "@nats-io/transport-node";',
    "may not import @nats-io/transport-node",
  ],
  ["functions/executor/main.ts", 'import { f } from "#platform/openai/x.ts";', "except by import()"],
  ["functions/executor/main.ts", 'const k = await import("#platform/kube/x.ts");', "may not import platform/kube"],
  ["functions/webhook/handler.ts", 'import { f } from "#platform/http/app.ts";', "except as a type"],
  ["functions/webhook/handler.ts", 'import { f } from "../collector/load.ts";', "functions/webhook may not import"],
  ["operator/x.ts", 'import { f } from "#core/agent/turn-loop.ts";', "operator may not import core/agent"],
  ["local/x.ts", 'import "../functions/webhook/main.ts";', "a main.ts acts when it is imported"],
  ["cli/x.ts", 'import { startLocal } from "../local/local.ts";', "except by import()"],
  ["local/x.ts", 'import { f } from "../test/harness/lock.ts";', "local may not import test/harness/lock.ts"],
  ["shell/x.ts", 'import { f } from "#core/errors.ts";', "no row"],
])("%s with `%s` is refused", (file, text, words) => {
  expect(parseSource(file, text).imports.map(fault)).toEqual([expect.stringContaining(words)]);
});

test.each([
  ["core/pipeline/x.ts", 'import { f } from "#core/template/compile.ts"; import * as z from "zod";'],
  ["functions/executor/main.ts", 'const { f } = await import("#platform/openai/x.ts");'],
  ["functions/webhook/handler.ts", 'import type { A } from "#platform/http/app.ts"; import "./fire.ts";'],
  ["cli/x.ts", 'const { startLocal } = await import("../local/local.ts"); import type { L } from "../local/local.ts";'],
  ["core/api/x.test.ts", 'import { readFile } from "node:fs/promises"; import { f } from "../../test/harness/x.ts";'],
])("%s with `%s` is allowed", (file, text) => {
  expect(parseSource(file, text).imports.map(fault).filter(Boolean)).toEqual([]);
});

test.each(["executor", "webhook", "router"])("%s reaches no Kubernetes client, however indirectly", (name) => {
  expect(reachable(`functions/${name}/main.ts`).filter((to) => /kube|@kubernetes/.test(to))).toEqual([]);
});

test("the operator reaches neither a model nor a tool", () => {
  const found = reachable("operator/main.ts").filter((to) => /^(openai|@modelcontextprotocol\/.*)$/.test(to));
  expect(found).toEqual([]);
});

/** Every file and package that this file loads, at once or lazily. */
function reachable(file: string): string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const seen = new Set([file]);
  for (const at of seen) {
    for (const { to, kind } of byFile.get(at)?.imports ?? []) if (kind !== "type") seen.add(to);
  }
  return [...seen];
}

test("no file imports itself, however indirectly: neither for its types nor lazily", () => {
  expect(cycleOf(sources)).toBeUndefined();
  for (const back of ['import type { a } from "#core/x/a.ts";', 'export const a = () => import("#core/x/a.ts");']) {
    const ring = [
      parseSource("core/x/0.ts", 'import "./a.ts";'),
      parseSource("core/x/a.ts", 'export type { b } from "./b.ts"; import "./leaf.ts";'),
      parseSource("core/x/b.ts", `import "./leaf.ts"; ${back}`),
      parseSource("core/x/leaf.ts", 'import "node:path";'),
    ];
    expect(cycleOf(ring)).toEqual(["core/x/a.ts", "core/x/b.ts", "core/x/a.ts"]);
    expect(cycleOf(ring.filter(({ file }) => file !== "core/x/b.ts"))).toBeUndefined();
  }
});

test("only main.ts, config.ts, the command line and what stands around the product read the environment", () => {
  const allowed = /(^|\/)(main|config)\.ts$|^cli\//;
  const found = product.filter(({ file, readsEnv }) => readsEnv && !allowed.test(file));
  expect(found.map(({ file }) => file)).toEqual([]);
  for (const text of [
    "process.env.A",
    'process["env"]',
    "const { env } = process",
    'import { env } from "node:process"',
  ]) {
    expect(parseSource("core/x.ts", text).readsEnv).toBe(true);
  }
});

test("in core, time, ids and chance are parameters", () => {
  const core = product.filter(({ file }) => file.startsWith("core/"));
  expect(core.flatMap(({ file, text }) => impureUses(text).map((use) => `${file}: ${use}`))).toEqual([]);
  const impure = "Date.now(); new Date(); Math.random(); setTimeout(f); fetch(u); process.pid; crypto.randomUUID();";
  expect(impureUses(impure)).toHaveLength(7);
  expect(impureUses("new Date(at); Date.parse(s); limits.process; Math.max(1)")).toEqual([]);
});

test("nothing happens on import, except in main.ts", () => {
  const silent = product.filter(({ file }) => !/(^|\/)main\.ts$/.test(file));
  expect(silent.flatMap(({ file, text }) => topLevelActions(text).map((line) => `${file}:${line}`))).toEqual([]);
  expect(topLevelActions("start();\nconst a = f();\nfor (;;) {}\nexport const b = await g();")).toEqual([1, 3, 4]);
});

test("the first guard stays on: errors for the walls, no comment that switches one off", async () => {
  const forbidden = /(ox|es)lint-(disable|enable)[^\n]*(restricted|no-console|max-lines|complexity|cycle|promises)/;
  const blanket =
    /(ox|es)lint-disable(-next-line|-line)?\s*(\*\/|$)|@ts-(ignore|nocheck)|\bvi\.mock\(|\b(test|it|describe)\.(skip|only|todo)\(/m;
  const here = "test/architecture.test.ts";
  const found = sources.filter(({ file, text }) => file !== here && (forbidden.test(text) || blanket.test(text)));
  expect(found.map(({ file }) => file)).toEqual([]);
  const lint = Lint.parse(JSON.parse(await readFile(path.join(ROOT, ".oxlintrc.json"), "utf8")));
  expect(lint.rules).toMatchObject({ "import/no-cycle": ["error", { ignoreTypes: false }], "no-console": "error" });
  const core = lint.overrides.find(({ files }) => files.includes("core/**/*.ts"));
  for (const rule of ["no-restricted-globals", "no-restricted-properties", "no-restricted-imports"]) {
    expect(core?.rules[rule], rule).toEqual(expect.arrayContaining(["error"]));
  }
});

const Lint = z.looseObject({
  rules: z.record(z.string(), z.unknown()),
  overrides: z.array(z.looseObject({ files: z.array(z.string()), rules: z.record(z.string(), z.unknown()) })),
});
