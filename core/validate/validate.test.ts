import { describe, expect, test } from "vitest";
import { checkUpdate } from "#core/api/validate.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { validateObject, type Fault } from "./validate.ts";

const apiVersion = "arkonis.dev/v1alpha1";
const named = { metadata: { name: "x", namespace: "default" } };

async function faultsOf(kind: string, spec: unknown): Promise<readonly Fault[]> {
  const outcome = await validateObject({ apiVersion, kind, ...named, spec });
  return outcome.kind === "invalid" ? outcome.faults : [];
}

async function warningsOf(kind: string, spec: unknown): Promise<readonly Fault[]> {
  const outcome = await validateObject({ apiVersion, kind, ...named, spec });
  if (outcome.kind === "invalid") throw new Error(JSON.stringify(outcome.faults));
  return outcome.warnings;
}

const roles = [{ name: "writer", arkAgent: "house-writer" }];
const team = (step: object, more: object = {}) => ({ roles, pipeline: [{ role: "writer", ...step }], ...more });

describe("what is no Ark object", () => {
  test.each([
    [undefined, ""],
    [[], ""],
    ["text", ""],
    [{}, "kind"],
    [{ apiVersion, kind: "ArkTeems" }, "kind"],
    [{ kind: "ArkTeam" }, "apiVersion"],
    [{ apiVersion: "arkonis.dev/v1", kind: "ArkTeam" }, "apiVersion"],
  ])("%j: %s", async (doc, path) => {
    expect(await validateObject(doc)).toMatchObject({ kind: "invalid", faults: [{ path }] });
  });

  test("a kind that is nearly right is shown the right one", async () => {
    const outcome = await validateObject({ apiVersion, kind: "arkteam", ...named, spec: {} });
    expect(outcome).toMatchObject({ faults: [{ path: "kind", hint: "did you mean ArkTeam?" }] });
  });
});

describe("P10: all faults at once, each with its path", () => {
  test("fields that no schema names are refused, with what was probably meant", async () => {
    const spec = team({ dependOn: [], retry: { limit: 1, backof: {} } }, { maxToken: 5, zzz: 1 });
    expect(await faultsOf("ArkTeam", spec)).toEqual([
      { path: "spec.pipeline[0].dependOn", message: "unknown field", hint: "did you mean dependsOn?" },
      { path: "spec.pipeline[0].retry.backof", message: "unknown field", hint: "did you mean backoff?" },
      { path: "spec.maxToken", message: "unknown field", hint: "did you mean maxTokens?" },
      { path: "spec.zzz", message: "unknown field" },
    ]);
  });

  test.each(["constructor", "toString", "valueOf"])("a filter that is nothing but %s is no dialect", async (name) => {
    const filter = { all: [{ [name]: [] }] };
    const spec = { source: { type: "cloudevent", cloudevent: { filters: [filter] } }, targets: [{ team: "t" }] };
    expect(await faultsOf("ArkEvent", spec)).toMatchObject([{ path: "spec.source.cloudevent.filters[0].all[0]" }]);
  });

  test("types, bounds and rules of several places", async () => {
    const spec = {
      roles: [{ name: "a", model: "gpt-4o" }, { name: "a", arkAgent: "x", tools: [] }, { arkAgent: "y" }],
      pipeline: [{ role: "a", timeoutSeconds: "60" }],
      timeoutSeconds: 0,
    };
    expect((await faultsOf("ArkTeam", spec)).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      "spec.roles[0]: exactly one of systemPrompt and systemPromptRef is required",
      "spec.roles[1].tools: fields of an agent are refused beside arkAgent and arkTeam: set them there",
      "spec.roles[2].name: is required",
      'spec.pipeline[0].timeoutSeconds: must be a number, found the text "60"',
      "spec.timeoutSeconds: must be at least 1",
    ]);
  });

  test("an unknown field, a bad template and a dependency on nobody come together, with hints", async () => {
    const spec = {
      roles,
      pipeline: [
        { role: "writer", inputs: { prompt: "{{ .input.x" } },
        { role: "wroter", dependsOn: ["nobody"] },
      ],
    };
    expect((await faultsOf("ArkTeam", { ...spec, outputs: "x" })).map(({ path, hint }) => [path, hint])).toEqual([
      ["spec.pipeline[1].dependsOn[0]", "steps are writer, wroter"],
      ["spec.pipeline[0].inputs.prompt", "close the action with }}"],
      ["spec.pipeline[1].role", "roles are writer"],
      ["spec.outputs", "did you mean output?"],
    ]);
  });

  test("a value of a closed set that is nearly right is shown the right one", async () => {
    const faults = await faultsOf("ArkEvent", { source: { type: "Webhook" }, targets: [{ team: "a" }] });
    expect(faults).toEqual([
      {
        path: "spec.source.type",
        message: 'must be one of webhook, cron, team-output, cloudevent, found the text "Webhook"',
        hint: "did you mean webhook?",
      },
    ]);
  });

  test("keys that read as something else are quoted", async () => {
    const input = { "a.b": "{{ .trigger.nam" };
    const faults = await faultsOf("ArkEvent", { source: { type: "webhook" }, targets: [{ team: "a", input }] });
    expect(faults.map(({ path }) => path)).toEqual(['spec.targets[0].input["a.b"]']);
  });

  test("a fault of the name is said beside the others", async () => {
    const outcome = await validateObject({ apiVersion, kind: "ArkAgent", metadata: { name: "A" }, spec: {} });
    const faults = outcome.kind === "invalid" ? outcome.faults : [];
    expect(faults.map(({ path }) => path)).toEqual(["metadata.name", "spec.model"]);
  });
});

describe("inside texts", () => {
  test("a template that does not compile: line and column (D45)", async () => {
    const source = "first\n{{ .steps.fact-check.output }}";
    const [fault] = await faultsOf("ArkTeam", team({ inputs: { prompt: source } }));
    expect(fault).toMatchObject({
      path: "spec.pipeline[0].inputs.prompt",
      message: expect.stringMatching(/^line 2, column \d+: /),
      hint: expect.stringContaining('(index .steps "fact-check")'),
    });
  });

  test.each([
    ["spec.pipeline[0].dependsOn[0]", { dependsOn: ["nobody"] }],
    ["spec.pipeline[0].if", { if: "{{ if }}" }],
    ["spec.pipeline[0].loop.condition", { loop: { condition: "{{ .input.x" } }],
    ["spec.pipeline[0].validate.contains", { validate: { contains: "(" } }],
    ["spec.pipeline[0].validate.rejectPatterns[1]", { validate: { rejectPatterns: ["a", "(?=b)"] } }],
    ["spec.pipeline[0].validate.schema", { validate: { schema: { type: "nothing" } } }],
    ["spec.pipeline[0].outputSchema", { outputSchema: "{" }],
    ["spec.pipeline[0].outputSchema", { outputSchema: { $ref: "https://example.com/x.json" } }],
    [
      "spec.pipeline[0].contextPolicy.extract.path",
      { contextPolicy: { strategy: "extract", extract: { path: "a(" } } },
    ],
  ])("%s", async (path, step) => {
    expect((await faultsOf("ArkTeam", team(step))).map((fault) => fault.path)).toEqual([path]);
  });

  test("JSON Schemas of tools, in an agent and in a role", async () => {
    const tools = [{ name: "t", url: "http://t", inputSchema: { type: 3 } }];
    const inline = { name: "r", model: "mock", systemPrompt: "x", tools };
    expect((await faultsOf("ArkAgent", { model: "mock", systemPrompt: "x", tools })).map(({ path }) => path)).toEqual([
      "spec.tools[0].inputSchema",
    ]);
    const spec = { roles: [inline], pipeline: [{ role: "r" }] };
    expect((await faultsOf("ArkTeam", spec)).map(({ path }) => path)).toEqual(["spec.roles[0].tools[0].inputSchema"]);
  });

  test("an outputSchema keeps its nulls: they mean something there", async () => {
    const outputSchema = { properties: { a: { const: null } } };
    const outcome = await validateObject({ apiVersion, kind: "ArkTeam", ...named, spec: team({ outputSchema }) });
    expect(outcome).toMatchObject({ object: { spec: { pipeline: [{ outputSchema }] } } });
  });
});

describe("warnings", () => {
  test("a read that is always empty", async () => {
    const input = { a: "{{ .trigger.boddy.x }}", b: "{{ .input.x }}", c: "{{ .trigger.body.x }}" };
    expect(await warningsOf("ArkEvent", { source: { type: "webhook" }, targets: [{ team: "a", input }] })).toEqual([
      {
        path: "spec.targets[0].input.a",
        message: ".trigger.boddy is always empty with source type webhook",
        hint: "did you mean body?",
      },
      { path: "spec.targets[0].input.b", message: ".input is always empty here: targets see .trigger only" },
    ]);
  });

  test("D16: prompt fields whose order a cluster would change", async () => {
    const inputs = { text: "a", about: "b" };
    expect(await warningsOf("ArkTeam", team({ inputs }))).toMatchObject([
      { path: "spec.pipeline[0].inputs", hint: "inputOrder: [text, about] says the order everywhere" },
    ]);
    expect(await warningsOf("ArkTeam", team({ inputs, inputOrder: ["text", "about"] }))).toEqual([]);
    expect(await warningsOf("ArkTeam", team({ inputs: { about: "b", text: "a" } }))).toEqual([]);
  });

  test("what only one machine can do, and long prompts", async () => {
    const mcpServers = [{ name: "files", url: "stdio:npx files" }];
    const spec = { model: "mock", systemPrompt: "x".repeat(60_000), mcpServers };
    expect((await warningsOf("ArkAgent", spec)).map(({ path }) => path)).toEqual([
      "spec.systemPrompt",
      "spec.mcpServers[0].url",
    ]);
  });

  test("what only a cluster can do", async () => {
    const bounded = { model: "mock", systemPrompt: "x", resources: { limits: { cpu: 2 } } };
    expect((await warningsOf("ArkAgent", { ...bounded, networkPolicy: "strict" })).map(({ path }) => path)).toEqual([
      "spec.resources",
      "spec.networkPolicy",
    ]);
    expect(await warningsOf("ArkAgent", { model: "mock", systemPrompt: "x", networkPolicy: "disabled" })).toEqual([]);
    const team = { roles: [{ name: "a", ...bounded }], pipeline: [{ role: "a" }] };
    expect((await warningsOf("ArkTeam", team)).map(({ path }) => path)).toEqual(["spec.roles[0].resources"]);
  });
});

test("defaults are applied, maps keep their order, fields without a value are not set", async () => {
  const spec = team({ inputs: { b: "1", a: "2" }, retry: null, loop: { condition: "{{ false }}" } }, { inputs: null });
  const outcome = await validateObject({ apiVersion, kind: "ArkTeam", ...named, spec });
  if (outcome.kind === "invalid" || outcome.object.kind !== "ArkTeam") throw new Error(JSON.stringify(outcome));
  const [step] = outcome.object.spec.pipeline;
  expect(outcome.object.spec.successfulRunsHistoryLimit).toBe(10);
  expect(Object.keys(step?.inputs ?? {})).toEqual(["b", "a"]);
  expect(step?.loop?.maxIterations).toBe(10);
  expect(step).not.toHaveProperty("retry");
  expect(outcome.object.spec).not.toHaveProperty("inputs");
});

describe("P5: an ArkRun's spec is written once", () => {
  const run = (spec: ArkRun["spec"]): ArkRun => ({ apiVersion, kind: "ArkRun", ...named, spec });
  const bare = { teamRef: "t", input: { a: "1" } };
  const snapshot = { ...bare, teamGeneration: 2, input: { a: "1", b: "2" }, pipeline: [{ role: "writer" }], roles };

  test.each([
    ["the same again", snapshot, { ...snapshot }, true],
    ["the one snapshot", bare, snapshot, true],
    ["a snapshot of a run without input", { teamRef: "t" }, snapshot, true],
    ["a snapshot without a generation", bare, { ...snapshot, teamGeneration: undefined }, false],
    ["a snapshot that changes a given input", bare, { ...snapshot, input: { a: "2" } }, false],
    ["a snapshot that drops a given input", bare, { ...snapshot, input: { b: "2" } }, false],
    ["a snapshot of another team", bare, { ...snapshot, teamRef: "u" }, false],
    ["a second snapshot", snapshot, { ...snapshot, teamGeneration: 3 }, false],
    ["a snapshot of a run with fields of its own", { ...bare, maxTokens: 5 }, { ...snapshot, maxTokens: 5 }, false],
    ["another prompt", { agent: "a", prompt: "x" }, { agent: "a", prompt: "y" }, false],
  ])("%s", (_, stored, next, allowed) => {
    const faults = checkUpdate("ArkRun", run(next as ArkRun["spec"]), run(stored as ArkRun["spec"]));
    expect(faults.map(({ path }) => path)).toEqual(allowed ? [] : ["spec"]);
  });
});
