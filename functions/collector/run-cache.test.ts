import { expect, test } from "vitest";
import type { RunState } from "#core/pipeline/state.ts";
import { graphOf } from "#core/pipeline/testing.ts";
import { createRunCache, type FoldedRun } from "./run-cache.ts";

const spec = { agent: "writer", prompt: "x" };
const graph = graphOf(spec);
/** What a run without texts weighs, and a step. */
const EMPTY = 8_192 + 1_024;

function run(text: string, revision = 1): FoldedRun {
  const result = { output: { inline: text } };
  const step = { usage: { inputTokens: 0, outputTokens: 0 }, iterations: 1, validationAttempts: 0, result };
  const state: RunState = {
    version: 1,
    namespace: "ns",
    run: "r",
    uid: "u",
    spec: { agent: "writer" },
    depth: 0,
    hop: 0,
    startedAt: 0,
    phase: { kind: "running" },
    steps: { writer: { ...step, phase: "succeeded", attempts: 1, endedAt: 0 } },
    issued: {},
  };
  return { graph, state, revision, settled: false };
}

const heldOf = (cache: ReturnType<typeof createRunCache>, ...keys: string[]) =>
  keys.filter((key) => cache.get(key) !== undefined);

test("M2: above its bytes the least recently used go, whoever was put in last stays", () => {
  const cache = createRunCache(2 * EMPTY);
  cache.set("a", run(""));
  cache.set("b", run(""));
  expect(cache.get("a")?.revision).toBe(1);
  cache.set("c", run(""));
  expect(heldOf(cache, "a", "b", "c")).toEqual(["a", "c"]);
  cache.set("d", run("x".repeat(10 * EMPTY)));
  expect(heldOf(cache, "a", "b", "c", "d")).toEqual(["d"]);
});

test("M2: what is put in anew, or dropped, no longer weighs", () => {
  const cache = createRunCache(2 * EMPTY);
  for (let revision = 1; revision < 9; revision += 1) cache.set("a", run("", revision));
  cache.set("b", run(""));
  expect(cache.get("a")?.revision).toBe(8);
  cache.delete("a");
  cache.delete("a");
  cache.set("c", run(""));
  expect(heldOf(cache, "a", "b", "c")).toEqual(["b", "c"]);
});

test("M2: a long text weighs what it has", () => {
  const cache = createRunCache(2 * EMPTY + 10);
  cache.set("a", run("x".repeat(5)));
  cache.set("b", run("x".repeat(5)));
  expect(heldOf(cache, "a", "b")).toEqual(["a", "b"]);
  cache.set("b", run("x".repeat(6)));
  expect(heldOf(cache, "a", "b")).toEqual(["b"]);
});
