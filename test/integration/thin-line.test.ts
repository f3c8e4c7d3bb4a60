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
