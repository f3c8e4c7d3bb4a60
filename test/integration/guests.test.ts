/** NATS with users (ADR 0015): an executor and a router do all their work with the permissions of a guest. */
import { expect, test } from "vitest";
import { spawnRouter } from "../harness/router.ts";
import { startWorld } from "../harness/world.ts";

const LONG = "A poem about rain. ".repeat(4_000);

test("a task from its pull to its result: long texts, budgets, a second turn after a crash", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let asked = (): void => {};
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  await using world = await startWorld({
    functions: ["collector", "executor"],
    guests: true,
    leaseSeconds: 2,
    script: ({ messages }) => {
      if (JSON.stringify(messages).includes("crash")) {
        asked();
        return { text: "late", until: held };
      }
      return { text: LONG, usage: { inputTokens: 7, outputTokens: 5 } };
    },
  });
  await world.request("long-run-aaaaaa", { prompt: LONG, maxTokens: 1_000_000 });
  const state = await world.ended("long-run-aaaaaa");
  if (state.phase.kind !== "succeeded") throw new Error(JSON.stringify(state.phase));
  expect((await world.js.outputs.load(state, state.phase.output)).length).toBe(LONG.length);
  await world.request("crash-run-aaaaaa", { prompt: "crash" });
  await arrived;
  await world.processes.executor.kill();
  release();
  await world.processes.executor.start();
  expect((await world.ended("crash-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(world.processes.executor.output()).not.toContain("ermission");
});

test("a router takes a task, waits for its end, and answers with the result", async () => {
  await using world = await startWorld({
    functions: ["webhook", "dispatcher", "collector", "executor"],
    guests: true,
    script: () => ({ text: LONG }),
  });
  const { router, ask } = await spawnRouter(world);
  const { status, output } = await ask("Write.");
  expect([status, output?.length]).toEqual(["succeeded", LONG.length]);
  expect(router.output()).not.toContain("ermission");
});
