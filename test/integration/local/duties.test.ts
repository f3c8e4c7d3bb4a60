/** Runs that wait, end late, or come in crowds: each ends once, says what it waits for, and holds up no other. */
import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { lastUserText } from "../../../local/model-server/script.ts";
import { type Ark, endedRun, reasonOf, startArk, until } from "../../harness/ark.ts";

const team = (name: string, spec: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: ${name} }
spec:
  successfulRunsHistoryLimit: 1000
  failedRunsHistoryLimit: 1000
  input: { n: none }
${spec}
---
`;
const event = (name: string, source: string, target: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: ${name} }
spec: { source: ${source}, targets: [${target}] }
---
`;
const AGENT = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: late }
spec: { model: gpt-4o-mini, systemPrompt: You write. }
---
`;
const WAITS = team(
  "waits",
  `  roles: [{ name: write, arkAgent: late }]
  pipeline: [{ role: write, inputs: { prompt: go } }]`,
);

test("D3, D12, P4: a run whose agent is missing says so, goes on once it is there, and stays as it ended", async () => {
  await using ark = await startArk({ "team.yaml": WAITS });
  await make(ark, "early", "waits");
  await until(async () => {
    const [step] = (await get(ark, "early"))?.status?.steps ?? [];
    return step?.phase !== "Succeeded" && step?.message?.includes("late") === true ? true : undefined;
  }, "the reason of the wait");
  await ark.write({ "agent.yaml": AGENT });
  const ended = await endedRun(ark, "early");
  expect(ended.status?.phase).toBe("Succeeded");
  await ark.local.js.objects.delete("ArkAgent", { namespace: "default", name: "late" });
  expect((await get(ark, "early"))?.status).toEqual(ended.status);
});

test("D12, P4: a run whose agent never comes ends at its timeout", async () => {
  await using ark = await startArk(WAITS.replace("roles:", "timeoutSeconds: 1\n  roles:"));
  await make(ark, "never", "waits");
  expect(reasonOf(await endedRun(ark, "never"))).toBe("TimedOut");
});

test("P4, P5, P6: a run made by hand that brings limits of its own is refused, not run without them", async () => {
  await using ark = await startArk(WAITS + AGENT);
  await make(ark, "limited", "waits", { maxTokens: 10 });
  const run = await endedRun(ark, "limited");
  expect(run.spec).toEqual({ teamRef: "waits", maxTokens: 10 });
  expect(run.status?.conditions?.find(({ type }) => type === "Succeeded")).toMatchObject({
    reason: "InvalidDAG",
    message: expect.stringContaining("teamRef and input alone"),
  });
  expect(ark.model.requests()).toEqual([]);
});

test("E7: at the timeout all ends: no step open, no task left, one reason, one event of the end", async () => {
  const slow = team(
    "slow",
    `  timeoutSeconds: 2
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { maxConcurrentTasks: 1 } }]
  pipeline:
    - { name: a, role: write, inputs: { prompt: a } }
    - { name: b, role: write, inputs: { prompt: b } }
    - { name: c, role: write, dependsOn: [a], inputs: { prompt: c } }`,
  );
  const told = team(
    "told",
    `  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: told } }]`,
  );
  const after = event("after", "{ type: team-output, teamOutput: { name: slow, onPhase: Failed } }", "{ team: told }");
  await using ark = await startArk(slow + told + after, (request) =>
    lastUserText(request) === "told" ? { text: "told" } : { hang: true },
  );
  await make(ark, "late", "slow");
  const run = await endedRun(ark, "late");
  expect(reasonOf(run)).toBe("TimedOut");
  expect(run.status?.steps?.filter(({ phase }) => !["Failed", "Cancelled", "Skipped"].includes(phase))).toEqual([]);
  const told1 = await until(
    async () => (await ark.runs()).find(({ spec }) => spec.teamRef === "told"),
    "the notification",
  );
  await endedRun(ark, told1.metadata.name ?? "");
  await until(async () => {
    const { waiting, running } = await ark.local.js.tasks.pending({ namespace: "default", agent: "slow-write" });
    return waiting + running === 0 ? true : undefined;
  }, "no task of the run");
  expect(await ark.runs()).toHaveLength(2);
  expect((await get(ark, "late"))?.status).toEqual(run.status);
});

test("E8: a validator that does not answer delays no other run", async () => {
  const both =
    team(
      "judged",
      `  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: one }, validate: { semantic: "Is it good?" } }]`,
    ) +
    team(
      "plain",
      `  roles: [{ name: write, arkAgent: judged-write }]
  pipeline: [{ role: write, inputs: { prompt: two } }]`,
    );
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let judging = (): void => {};
  const judge = new Promise<void>((resolve) => (judging = resolve));
  await using ark = await startArk(both, (request) => {
    if (!JSON.stringify(request.messages).includes("Is it good?")) return { text: "done" };
    judging();
    return { text: "VALID", until: held };
  });
  await make(ark, "first", "judged");
  await judge;
  for (const name of ["x", "y", "z"]) await make(ark, name, "plain");
  for (const name of ["x", "y", "z"]) expect((await endedRun(ark, name)).status?.phase).toBe("Succeeded");
  expect((await get(ark, "first"))?.status?.phase).not.toBe("Succeeded");
  release();
  expect((await endedRun(ark, "first")).status?.phase).toBe("Succeeded");
});

test("E26, D40: fifty runs of a team at once fire fifty times, each with its own output", async () => {
  const RUNS = 50;
  const chain =
    team(
      "first",
      `  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { maxConcurrentTasks: 10 } }]
  pipeline: [{ role: write, inputs: { prompt: "number {{ .input.n }}" } }]`,
    ) +
    team(
      "second",
      `  roles: [{ name: write, arkAgent: first-write }]
  pipeline: [{ role: write, inputs: { prompt: "{{ .input.text }}" } }]`,
    ) +
    event("hook", "{ type: webhook }", "{ team: first }") +
    event(
      "after",
      "{ type: team-output, teamOutput: { name: first } }",
      '{ team: second, input: { text: "{{ .trigger.output }}" } }',
    );
  await using ark = await startArk(chain, (request) => ({ text: `${lastUserText(request)}!` }));
  await Promise.all(Array.from({ length: RUNS }, (_, n) => ark.fire("hook", { n }, { key: `${n}` })));
  const runs = await ark.ended(2 * RUNS);
  const texts = runs.flatMap(({ spec }) => (spec.teamRef === "second" ? [spec.input?.["text"] ?? ""] : []));
  expect(texts).toHaveLength(RUNS);
  expect(new Set(texts)).toEqual(new Set(Array.from({ length: RUNS }, (_, n) => `number ${n}!`)));
});

test("E15b, E15c, P9: teams within teams within a team end with one slot, their tokens counted upwards, their runs linked", async () => {
  const nest = (name: string, inner: string) =>
    team(
      name,
      `  roles: [{ name: part, arkTeam: ${inner} }, { name: write, arkAgent: late }]
  pipeline:
    - { name: own, role: write, inputs: { prompt: ${name} } }
    - { role: part, dependsOn: [own] }`,
    );
  const slot = AGENT.replace("model:", "limits: { maxConcurrentTasks: 1 }, model:");
  const all = nest("a", "b") + nest("b", "c") + nest("c", "waits") + WAITS + slot;
  await using ark = await startArk(all, (request) => ({
    text: `said ${lastUserText(request)}`,
    usage: { inputTokens: 10, outputTokens: 1 },
  }));
  await make(ark, "top", "a");
  const runs = await ark.ended(4);
  expect(runs.map(({ status }) => status?.phase)).toEqual(["Succeeded", "Succeeded", "Succeeded", "Succeeded"]);
  const top = runs.find(({ metadata }) => metadata.name === "top");
  expect(top?.status?.output).toBe("said go");
  expect(top?.status?.totalTokenUsage?.totalTokens).toBe(44);
  for (const run of runs) {
    const parent = run.status?.parent?.name;
    if (run === top) expect(parent).toBeUndefined();
    else {
      const above = runs.find(({ metadata }) => metadata.name === parent);
      expect(above?.status?.children).toMatchObject([{ name: run.metadata.name }]);
    }
  }
});

test("E15b: cancelling a run cancels the runs within it", async () => {
  const outer = team(
    "outer",
    `  roles: [{ name: part, arkTeam: waits }]
  pipeline: [{ role: part }]`,
  );
  await using ark = await startArk(outer + WAITS + AGENT, () => ({ hang: true }));
  await make(ark, "top", "outer");
  await expect.poll(() => ark.model.requests().length, { timeout: 50_000 }).toBe(1);
  await ark.local.js.objects.update("ArkRun", { namespace: "default", name: "top" }, (run) => ({
    ...run,
    metadata: { ...run.metadata, annotations: { ...run.metadata.annotations, "arkonis.dev/cancel": "true" } },
  }));
  const runs = await ark.ended(2);
  expect(runs.map(reasonOf)).toEqual(["Cancelled", "Cancelled"]);
});

test("E15d: the same objects in any order end alike", async () => {
  const parts = [WAITS, AGENT, event("hook", "{ type: webhook }", "{ team: waits }")];
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ];
  const ends: unknown[] = [];
  for (const order of orders) {
    await using ark = await startArk(order.map((at) => parts[at]).join(""));
    await ark.fire("hook", { n: 1 });
    const [run] = await ark.ended(1);
    const objects = await ark.local.js.objects.get("ArkEvent", { namespace: "default", name: "hook" });
    ends.push([run?.status?.phase, run?.spec.pipeline, objects?.status?.conditions?.map(({ reason }) => reason)]);
  }
  expect(ends[0]).toMatchObject(["Succeeded", [{ role: "write" }], ["Active"]]);
  expect(ends[1]).toEqual(ends[0]);
  expect(ends[2]).toEqual(ends[0]);
});

async function make(ark: Ark, name: string, teamRef: string, spec: Partial<ArkRun["spec"]> = {}): Promise<void> {
  await ark.local.js.objects.create("ArkRun", {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name, namespace: "default" },
    spec: { teamRef, ...spec },
  });
}

function get({ local }: Ark, name: string): Promise<ArkRun | undefined> {
  return local.js.objects.get("ArkRun", { namespace: "default", name });
}
