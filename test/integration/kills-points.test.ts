/** Single moments at which something dies, stalls or is called off; `kills.test.ts` finds the ones nobody thought of. */
import { expect, test } from "vitest";
import type { Fact } from "#core/events/facts.ts";
import { AGENT, NAMESPACE, startWorld, type World } from "../harness/world.ts";

const LINE = ["collector", "executor"] as const;
const ATTEMPT = { step: AGENT, iteration: 0, attempt: 0 } as const;

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

async function factsOf(run: string, { js }: Pick<World, "js">): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const { fact } of js.factLog.history({ namespace: NAMESPACE, run })) facts.push(fact);
  return facts;
}

async function until(kind: Fact["kind"], run: string, { js }: Pick<World, "js">): Promise<void> {
  const signal = AbortSignal.timeout(50_000);
  for await (const { fact } of js.factLog.watch({ namespace: NAMESPACE, run }, { signal })) {
    if (fact.kind === kind) return;
  }
  throw new Error(`${run}: no ${kind}`);
}

test("E3, L3: an executor that stalls loses its lease; another one does the work, and the first says nothing", async () => {
  const asked = gate();
  const answer = gate();
  await using world = await startWorld({
    functions: LINE,
    leaseSeconds: 2,
    maxConcurrentTasks: 1,
    script: (_request, index) => {
      if (index > 0) return { text: "from the second" };
      asked.open();
      return { text: "from the first", until: answer.opened };
    },
  });
  await world.request("stalled-run-aaaaaa");
  await asked.opened;
  world.processes.executor.freeze();
  await world.spawn("executor");
  const state = await world.ended("stalled-run-aaaaaa");
  expect(state.phase).toMatchObject({ kind: "succeeded", output: { inline: "from the second" } });
  answer.open();
  world.processes.executor.thaw();
  // It finishes what it holds before it ends, so after this nothing of it can come any more.
  expect(await world.processes.executor.stop()).toBe(0);
  const facts = await factsOf("stalled-run-aaaaaa", world);
  expect(facts.filter(({ kind }) => kind === "step.turn")).toHaveLength(1);
  expect(facts.filter(({ kind }) => kind === "step.finished")).toHaveLength(1);
});

test("E3: a task of more than three acknowledgement waits runs once", async () => {
  await using world = await startWorld({
    functions: LINE,
    leaseSeconds: 2,
    script: [{ text: "slow", delayMs: 7_000 }],
  });
  await world.spawn("executor");
  await world.request("slow-run-aaaaaa");
  expect((await world.ended("slow-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(world.model.requests()).toHaveLength(1);
});

test("cancel: a queued task goes, a running one is told, nothing of either comes after", async () => {
  const asked = gate();
  await using world = await startWorld({
    functions: LINE,
    leaseSeconds: 2,
    maxConcurrentTasks: 1,
    script: () => {
      asked.open();
      return { hang: true };
    },
  });
  await world.request("running-run-aaaaaa");
  await asked.opened;
  await world.request("queued-run-aaaaaa");
  const cancel = async (run: string): Promise<void> => {
    const uid = (await world.arkRun(run))?.metadata.uid ?? "";
    const fact = { kind: "run.cancel", at: Date.now(), message: "by hand" } as const;
    await world.js.factLog.publish({ namespace: NAMESPACE, run, uid }, fact);
  };
  await Promise.all([cancel("queued-run-aaaaaa"), cancel("running-run-aaaaaa")]);
  for (const run of ["queued-run-aaaaaa", "running-run-aaaaaa"]) {
    expect((await world.ended(run)).phase).toMatchObject({ kind: "failed", reason: "Cancelled" });
  }
  // The slot is free again once the executor noticed: a stop finds nothing to wait for.
  expect(await world.processes.executor.stop()).toBe(0);
  expect(world.model.requests()).toHaveLength(1);
  expect((await factsOf("running-run-aaaaaa", world)).some(({ kind }) => kind === "step.finished")).toBe(false);
  expect(await world.js.tasks.pending({ namespace: NAMESPACE, agent: AGENT })).toEqual({ waiting: 0, running: 0 });
});

test("P8: nats-server dies while the model answers; the answer is recorded once it is back, and asked for once", async () => {
  const asked = gate();
  const answer = gate();
  await using world = await startWorld({
    functions: LINE,
    script: () => {
      asked.open();
      return { text: "kept", until: answer.opened };
    },
  });
  await world.request("away-run-aaaaaa");
  await asked.opened;
  await world.nats.stop({ hard: true });
  answer.open();
  await world.nats.restart();
  expect((await world.ended("away-run-aaaaaa")).phase).toMatchObject({ kind: "succeeded", output: { inline: "kept" } });
  expect(world.model.requests()).toHaveLength(1);
});

test("X1, D5: a task whose result is stored already is acknowledged, and no model is asked", async () => {
  await using world = await startWorld({ functions: ["collector"], script: [] });
  await world.request("stored-run-aaaaaa");
  await until("run.requested", "stored-run-aaaaaa", world);
  const uid = (await world.arkRun("stored-run-aaaaaa"))?.metadata.uid ?? "";
  const ref = { namespace: NAMESPACE, run: "stored-run-aaaaaa", uid };
  const outcome = { kind: "done", output: { inline: "by the one that died" } } as const;
  await world.js.factLog.publish(ref, { ...ATTEMPT, kind: "step.finished", at: Date.now(), outcome });
  const state = await world.ended("stored-run-aaaaaa");
  expect(state.phase).toMatchObject({ kind: "succeeded", output: { inline: "by the one that died" } });
  const executor = await world.spawn("executor");
  await expect
    .poll(() => world.js.tasks.pending({ namespace: NAMESPACE, agent: AGENT }), { timeout: 30_000 })
    .toEqual({ waiting: 0, running: 0 });
  expect(await executor.stop()).toBe(0);
  expect(world.model.requests()).toHaveLength(0);
});

test("a lost bucket of states is rebuilt from the record", async () => {
  const asked = gate();
  const answer = gate();
  await using world = await startWorld({
    functions: LINE,
    script: () => {
      asked.open();
      return { text: "after all", until: answer.opened };
    },
  });
  await world.request("lost-run-aaaaaa");
  await asked.opened;
  await world.processes.collector.kill();
  await world.js.runStates.delete({ namespace: NAMESPACE, run: "lost-run-aaaaaa" });
  answer.open();
  await world.processes.collector.start();
  expect((await world.ended("lost-run-aaaaaa")).phase).toMatchObject({
    kind: "succeeded",
    output: { inline: "after all" },
  });
  expect(world.model.requests()).toHaveLength(1);
});
