import { expect, test } from "vitest";
import type { ArkTeamSpec, Step } from "#core/api/v1alpha1/ark-team.ts";
import { plan, planKey, planTeam } from "./plan.ts";
import { faultsOf, graphOf, teamSpec } from "./testing.ts";

const faults = (...pipeline: Step[]) => faultsOf(teamSpec({ pipeline }));

test.each<[string, Step[], string, string]>([
  [
    "a ring",
    [
      { role: "a", dependsOn: ["b"] },
      { role: "b", dependsOn: ["a"] },
    ],
    "spec.pipeline[0].dependsOn[0]",
    "a -> b -> a",
  ],
  [
    "a step that waits for itself",
    [{ role: "a", dependsOn: ["a"] }],
    "spec.pipeline[0].dependsOn[0]",
    "depends on itself",
  ],
  ["an unknown dependency", [{ role: "a", dependsOn: ["x"] }], "spec.pipeline[0].dependsOn[0]", "no step is called x"],
  ["an unknown role", [{ role: "x" }], "spec.pipeline[0].role", "no role is called x"],
  [
    "one role twice without names (D22)",
    [{ role: "a" }, { role: "a" }],
    "spec.pipeline[1].role",
    "two steps are called a",
  ],
  [
    "a doubled name (D22)",
    [
      { role: "a", name: "n" },
      { role: "b", name: "n" },
    ],
    "spec.pipeline[1].name",
    "two steps are called n",
  ],
  ["a template that does not compile", [{ role: "a", if: "{{ .x" }], "spec.pipeline[0].if", "line 1, column"],
  [
    "a step outside the ancestors",
    [{ role: "a" }, { role: "b", inputs: { t: "{{ .steps.a.output }}" } }],
    "spec.pipeline[1].inputs.t",
    ".steps.a is read",
  ],
  [
    "a step that does not exist",
    [{ role: "a", if: "{{ .steps.x.output }}" }],
    "spec.pipeline[0].if",
    ".steps.x is read",
  ],
  [
    "its own output without a loop",
    [{ role: "a", inputs: { t: "{{ .steps.a.output }}" } }],
    "spec.pipeline[0].inputs.t",
    ".steps.a is read",
  ],
  [
    "its own output in if",
    [{ role: "a", if: "{{ .steps.a.output }}", loop: { condition: "true", maxIterations: 1 } }],
    "spec.pipeline[0].if",
    ".steps.a is read",
  ],
  [
    "a name with a dash read as a field",
    [{ role: "a", if: "{{ .steps.fact-check.output }}" }],
    "spec.pipeline[0].if",
    "line 1, column",
  ],
  ["a schema that is not JSON", [{ role: "a", outputSchema: "{" }], "spec.pipeline[0].outputSchema", "not JSON"],
  [
    "inputOrder with an unknown key",
    [{ role: "a", inputs: { k: "" }, inputOrder: ["x"] }],
    "spec.pipeline[0].inputOrder[0]",
    "no input is called x",
  ],
  [
    "inputOrder with a key twice",
    [{ role: "a", inputs: { k: "" }, inputOrder: ["k", "k"] }],
    "spec.pipeline[0].inputOrder[1]",
    "twice",
  ],
  ["a schema on a team step", [{ role: "sub", outputSchema: "{}" }], "spec.pipeline[0].outputSchema", "team"],
])("a pipeline is refused with the field's path (P10, E15e): %s", (_, pipeline, path, message) => {
  expect(faults(...pipeline)).toEqual([{ path, message: expect.stringContaining(message) }]);
});

test("all faults come at once, and a fault does not hide a ring", () => {
  const found = faults({ role: "x" }, { role: "a", dependsOn: ["b", "y"] }, { role: "b", dependsOn: ["a"] });
  expect(found.map(({ path }) => path)).toEqual([
    "spec.pipeline[1].dependsOn[1]",
    "spec.pipeline[1].dependsOn[0]",
    "spec.pipeline[0].role",
  ]);
});

test("the run's output may read every step, and only steps", () => {
  const spec = (output: string) => teamSpec({ pipeline: [{ role: "a" }, { role: "b" }], output });
  expect(faultsOf(spec("{{ .steps.a.output }}{{ .steps.b.data }}"))).toEqual([]);
  expect(faultsOf(spec("{{ .steps.c.output }}"))).toEqual([
    { path: "spec.output", message: expect.stringContaining(".steps.c") },
  ]);
});

test("a far ancestor may be read, and steps stand in declared order", () => {
  const graph = graphOf(
    teamSpec({
      pipeline: [
        { role: "c", dependsOn: ["b"], inputs: { t: "{{ .steps.a.output }}" } },
        { role: "b", dependsOn: ["a"] },
        { role: "a" },
      ],
    }),
  );
  expect(graph.steps.map(({ name }) => name)).toEqual(["c", "b", "a"]);
  expect(graph.order.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("roles become agents: a reference, else team and role", () => {
  const spec = {
    teamRef: "t",
    roles: [
      { name: "x", arkAgent: "house" },
      { name: "y", model: "m" },
    ],
    pipeline: [{ role: "x" }, { role: "y" }],
  };
  expect(graphOf(spec).steps.map(({ target }) => target)).toEqual([
    { kind: "agent", agent: "house" },
    { kind: "agent", agent: "t-y" },
  ]);
});

test("P10: a fault in an input whose name would read as two names that one", () => {
  const inputs = { fine: "x", "a.b": "{{ .input.a" };
  expect(faultsOf(teamSpec({ pipeline: [{ role: "a", inputs }] }))).toMatchObject([
    { path: 'spec.pipeline[0].inputs["a.b"]' },
  ]);
});

test("a run without snapshot is refused, naming what lacks", () => {
  expect(faultsOf({ teamRef: "team", teamGeneration: 1 })).toEqual([
    { path: "spec.pipeline", message: expect.any(String) },
  ]);
  expect(faultsOf({ teamRef: "team" })).toEqual([{ path: "spec.teamRef", message: "there is no team team" }]);
});

test("a team is checked alone: its graph, its own ring, its declared inputs", () => {
  const team: ArkTeamSpec = {
    roles: [{ name: "a", arkTeam: "me" }],
    pipeline: [{ role: "a" }],
    inputs: [
      { name: "n", type: "number", required: false, default: "many" },
      { name: "n", type: "string", required: false },
    ],
    successfulRunsHistoryLimit: 10,
    failedRunsHistoryLimit: 3,
  };
  const outcome = planTeam("me", team);
  expect(outcome.kind === "faults" && outcome.faults.map(({ path }) => path)).toEqual([
    "spec.roles[0].arkTeam",
    "spec.inputs[0].default",
    "spec.inputs[1].name",
  ]);
  const { inputs: _inputs, ...rest } = team;
  expect(planTeam("you", rest).kind).toBe("graph");
});

test("runs of one team share a plan key whatever their input; another pipeline has another", () => {
  const spec = teamSpec({ pipeline: [{ role: "a" }] });
  expect(planKey({ ...spec })).toBe(planKey(Object.assign({}, spec, { input: { x: "1" }, maxTokens: 5 })));
  expect(planKey(spec)).not.toBe(planKey(teamSpec({ pipeline: [{ role: "b" }] })));
});

test("256 steps in a chain and a full mesh are planned", () => {
  const many = Array.from({ length: 256 }, (_, i): Step => ({
    role: "a",
    name: `s${i}`,
    dependsOn: Array.from({ length: Math.min(i, 64) }, (_, k) => `s${i - 1 - k}`),
  }));
  const planned = plan(teamSpec({ pipeline: many.toReversed() }));
  expect(planned.kind === "graph" && planned.graph.order.at(-1)?.ancestors.size).toBe(255);
});
