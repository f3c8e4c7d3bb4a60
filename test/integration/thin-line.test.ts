/** The thin line: a request becomes a task, a model's answer becomes a result, the result becomes a status. */
import { expect, test } from "vitest";
import { AGENT, NAMESPACE, startWorld, type World } from "../harness/world.ts";

const LINE = ["collector", "executor"] as const;

test("a requested run ends with the model's answer, in its state and in its status", async () => {
  await using world = await startWorld({ functions: LINE, script: [{ text: "A poem about rain." }] });
  await world.request("one-run-aaaaaa");
  const state = await world.ended("one-run-aaaaaa");
  expect(state.phase).toMatchObject({ kind: "succeeded", output: { inline: "A poem about rain." } });

  const run = await statusOf(world, "one-run-aaaaaa");
  expect(run).toMatchObject({ phase: "Succeeded", output: "A poem about rain." });
  expect(run.steps).toMatchObject([{ name: AGENT, phase: "Succeeded", attempts: 1 }]);
  expect(world.model.requests()).toHaveLength(1);
});

test("a chain of steps: each sees the one before; one task and one model call each", async () => {
  await using world = await startWorld({
    functions: LINE,
    script: (request) => {
      const last = JSON.stringify(request.messages.at(-1)?.["content"]);
      return { text: last.includes("first answer") ? "second answer" : "first answer" };
    },
  });
  await world.request("chain-run-aaaaaa", {
    roles: [{ name: "poet", arkAgent: AGENT }],
    pipeline: [
      { role: "poet", name: "one", inputs: { prompt: "begin" } },
      { role: "poet", name: "two", dependsOn: ["one"], inputs: { prompt: "go on from {{ .steps.one.output }}" } },
    ],
  });
  const state = await world.ended("chain-run-aaaaaa");
  expect(state.phase).toMatchObject({ kind: "succeeded", output: { inline: "second answer" } });
  expect(world.model.requests()).toHaveLength(2);
  expect(new Set(world.model.requests().map(({ key }) => key)).size).toBe(2);
});

test("P10: a graph that cannot be is refused with the field that is wrong, and costs no call", async () => {
  await using world = await startWorld({ functions: LINE, script: [] });
  await world.request("bad-run-aaaaaa", {
    roles: [{ name: "poet", arkAgent: AGENT }],
    pipeline: [{ role: "nobody", inputs: { prompt: "begin" } }],
  });
  const state = await world.ended("bad-run-aaaaaa");
  expect(state.phase).toMatchObject({ kind: "failed", reason: "InvalidDAG" });
  const status = await statusOf(world, "bad-run-aaaaaa");
  expect(status.phase).toBe("Failed");
  expect(JSON.stringify(status.conditions)).toContain("spec.pipeline[0].role");
});

test("P4: a run whose next step reads a text that the store has no more ends, and says which step makes it anew", async () => {
  await using world = await startWorld({ functions: ["collector"], script: [] });
  const ref = { namespace: NAMESPACE, run: "lost-run-aaaaaa", uid: "uid-of-lost" };
  const text = { ref: { digest: `sha256:${"0".repeat(64)}`, bytes: 40_000, preview: "A poem" } };
  const pipeline = [
    { role: "poet", name: "one", inputs: { prompt: "begin" } },
    { role: "poet", name: "two", dependsOn: ["one"], inputs: { prompt: "go on from {{ .steps.one.output }}" } },
  ];
  const spec = { teamRef: "t", roles: [{ name: "poet", arkAgent: AGENT }], pipeline };
  const carried = { one: { output: text } };
  await world.js.factLog.publish(ref, { kind: "run.requested", at: 1, ...ref, spec, depth: 0, hop: 0, carried });
  const state = await world.ended(ref.run);
  expect(state.phase).toMatchObject({ kind: "failed", reason: "StepFailed" });
  expect(state.steps["two"]).toMatchObject({
    phase: "failed",
    code: "output.lost",
    message: expect.stringContaining(`ark retry ${ref.run} --step one`) as unknown,
  });
});

test.each([false, true])(
  "P4: an attempt whose prompt or turn the store has no more ends with its reason and its cost, and asks no model; guest: %s",
  async (guests) => {
    await using world = await startWorld({ functions: ["executor"], script: [], guests });
    const { factLog, tasks } = world.js;
    const lost = { ref: { digest: `sha256:${"0".repeat(64)}`, bytes: 40_000, preview: "Write" } };
    const key = { step: "write", iteration: 0, attempt: 0 };
    const usage = { inputTokens: 20, outputTokens: 3 };
    const turned = { namespace: NAMESPACE, run: "lost-turn", uid: "uid-of-turn" };
    const prompted = { namespace: NAMESPACE, run: "lost-prompt", uid: "uid-of-prompt" };
    await factLog.publish(turned, { kind: "step.started", at: 1, ...key, instance: "before" });
    await factLog.publish(turned, { kind: "step.turn", at: 1, ...key, turn: 0, usage, model: "mock", record: lost });
    await tasks.publish({ ...turned, ...key, agent: AGENT, prompt: { inline: "Write." }, budgets: [] });
    await tasks.publish({ ...prompted, ...key, agent: AGENT, prompt: lost, budgets: [] });
    const failed = { kind: "failed", code: "output.lost", mayPass: true };
    for (const [ref, paid] of [[turned, usage] as const, [prompted, { inputTokens: 0, outputTokens: 0 }] as const]) {
      const finished = async () => (await factLog.finished(ref, key))?.fact;
      await expect.poll(finished, { timeout: 50_000 }).toMatchObject({ outcome: failed, usage: paid });
    }
    expect(world.model.requests()).toEqual([]);
  },
);

test("D7: SIGTERM lets the task in hand end, takes no other, exits 0", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let asked = (): void => {};
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  await using world = await startWorld({
    functions: LINE,
    maxConcurrentTasks: 1,
    script: () => {
      asked();
      return { text: "late", until: held };
    },
  });
  await world.request("held-run-aaaaaa");
  await arrived;
  const stopping = world.processes.executor.stop();
  await world.request("next-run-aaaaaa");
  release();
  expect(await stopping).toBe(0);
  expect((await world.ended("held-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(world.model.requests()).toHaveLength(1);
  await world.processes.executor.start();
  expect((await world.ended("next-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(await world.processes.collector.stop()).toBe(0);
});

/** The status follows the state: it is written before the fact of the end is acknowledged. */
async function statusOf(world: World<(typeof LINE)[number]>, run: string) {
  const signal = AbortSignal.timeout(30_000);
  for await (const { object } of world.js.objects.watch("ArkRun", { namespace: NAMESPACE, signal })) {
    const { metadata, status } = object;
    if (metadata.name === run && (status?.phase === "Succeeded" || status?.phase === "Failed")) return status;
  }
  throw new Error(`no status of ${run}`);
}

test("held wakes do the work: lines while there is some, an end when there is none, nothing taken without one; the first joins what began with the process", async () => {
  await using world = await startWorld({
    functions: LINE,
    script: [{ text: "awake" }],
    env: { ARK_MODE: "wake", ARK_IDLE_SECONDS: "1" },
  });
  const wake = async (url: string): Promise<readonly unknown[]> => {
    const response = await fetch(`${url}/wake`, { method: "POST", signal: AbortSignal.timeout(50_000) });
    expect(response.status).toBe(200);
    const lines = (await response.text()).trim().split("\n");
    return lines.map((line): unknown => JSON.parse(line));
  };
  const { collector, executor } = world.processes;
  await Promise.all([wake(collector.url), wake(executor.url)]);
  await world.request("asleep-run-aaaaaa");
  expect(await world.js.tasks.pending({ namespace: NAMESPACE, agent: AGENT })).toEqual({ waiting: 0, running: 0 });
  // The executor's own idle time may pass before the collector has published the task, so it is woken after it.
  const collecting = wake(collector.url);
  await expect
    .poll(() => world.js.tasks.pending({ namespace: NAMESPACE, agent: AGENT }), { timeout: 40_000 })
    .toEqual({ waiting: 1, running: 0 });
  const executing = wake(executor.url);
  for (const lines of await Promise.all([executing, collecting])) {
    expect(lines[0]).toEqual({ working: true });
    expect(lines.at(-1)).toEqual({ working: false });
  }
  // What came after the collector had gone idle waits for the next wake.
  const ended = async (): Promise<boolean> => (await world.arkRun("asleep-run-aaaaaa"))?.status?.phase === "Succeeded";
  while (!(await ended())) await wake(collector.url);
  expect((await world.arkRun("asleep-run-aaaaaa"))?.status?.output).toBe("awake");
});

test("what a process was started for is done while its first wake is still on its way", async () => {
  const env = { ARK_MODE: "wake", ARK_IDLE_SECONDS: "30" };
  await using world = await startWorld({ functions: LINE, script: [{ text: "early" }], env });
  await world.request("early-run-aaaaaa");
  expect((await world.ended("early-run-aaaaaa")).phase.kind).toBe("succeeded");
});

test("P9: a team as a step runs as a run of its own, linked both ways, and its parent holds nothing meanwhile", async () => {
  await using world = await startWorld({
    functions: ["webhook", "dispatcher", "collector", "executor"],
    script: () => ({ text: "from the inner team", usage: { inputTokens: 7, outputTokens: 3 } }),
  });
  await world.js.objects.create("ArkTeam", {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkTeam",
    metadata: { name: "inner", namespace: NAMESPACE },
    spec: {
      roles: [{ name: "poet", arkAgent: AGENT }],
      pipeline: [{ role: "poet", inputs: { prompt: "about {{ .input.topic }}" } }],
      successfulRunsHistoryLimit: 10,
      failedRunsHistoryLimit: 3,
    },
  });
  await world.request("outer-run-aaaaaa", {
    teamRef: "outer",
    roles: [{ name: "desk", arkTeam: "inner" }],
    pipeline: [{ role: "desk", inputs: { topic: "rain" } }],
  });
  const outer = await world.ended("outer-run-aaaaaa");
  expect(outer.phase).toMatchObject({ kind: "succeeded", output: { inline: "from the inner team" } });
  const child = outer.steps["desk"]?.child ?? "";
  expect(outer.steps["desk"]?.usage).toEqual({ inputTokens: 7, outputTokens: 3 });
  const inner = await world.ended(child);
  expect(inner.parent).toMatchObject({ run: "outer-run-aaaaaa", step: "desk" });
  expect((await world.arkRun(child))?.spec).toMatchObject({ teamRef: "inner", input: { topic: "rain" } });
  expect(JSON.stringify(world.model.requests()[0]?.body)).toContain("about rain");
});
