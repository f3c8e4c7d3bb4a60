import { expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { aRun, collect, openStore, type Opened } from "./open.ts";

const idle = new AbortController().signal;
const aTask = (): Task => ({
  ...aRun(),
  agent: "writer",
  step: "write",
  iteration: 0,
  attempt: 0,
  prompt: { inline: "Hello" },
  budgets: [],
});

/** Taken as often as the queue allows, given back each time, and asked for once more. */
async function wearOut({ store }: Opened, task: Task): Promise<void> {
  for (let count = 1; count <= 5; count += 1) {
    const delivery = await store.tasks.next(task, 10_000, idle);
    expect(delivery?.deliveries).toBe(count);
    delivery?.nak();
  }
  expect(await store.tasks.next(task, 1_000, idle)).toBeUndefined();
}

test("a task that five workers did not bring to an end fails its step with the reason (P4, D2)", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const task = aTask();
  await store.tasks.publish(task);
  const end = new AbortController();
  const reaping = store.reaper.run(end.signal);
  await wearOut(opened, task);
  const [fact] = await collect(store.factLog.watch(task, { signal: AbortSignal.timeout(20_000) }), 1);
  expect(fact?.fact).toMatchObject({
    kind: "step.finished",
    step: "write",
    outcome: { kind: "failed", code: "task.undeliverable", mayPass: false },
  });
  end.abort();
  await reaping;
  await store.reaper.sweep();
  const letters = await store.deadLetters.list("default", "writer");
  expect(letters).toMatchObject([{ reason: "TaskUndeliverable", original: task }]);
  expect((await opened.nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_TASKS")?.state.messages).toBe(0);
});

test("H3: a sweep finds what was worn out while no reaper ran, and touches no other task", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const [worn, held, waiting] = [aTask(), { ...aTask(), agent: "other" }, { ...aTask(), agent: "third" }];
  await store.tasks.publish(worn);
  await wearOut(opened, worn);
  await store.tasks.publish(held);
  await store.tasks.publish(waiting);
  const delivery = await store.tasks.next(held, 10_000, idle);
  expect(await store.reaper.sweep()).toBe(1);
  expect(await store.reaper.sweep()).toBe(0);
  expect((await store.factLog.finished(worn, worn))?.fact).toMatchObject({ outcome: { code: "task.undeliverable" } });
  expect(await store.factLog.finished(held, held)).toBeUndefined();
  await delivery?.ack();
  expect((await store.tasks.next(waiting, 10_000, idle))?.value).toEqual(waiting);
});

test("H2: a task whose result is recorded is removed without a dead letter", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const task = aTask();
  await store.tasks.publish(task);
  await store.factLog.publish(task, {
    kind: "step.finished",
    at: 1,
    step: task.step,
    iteration: 0,
    attempt: 0,
    outcome: { kind: "done", output: { inline: "fine" } },
  });
  await wearOut(opened, task);
  expect(await store.reaper.sweep()).toBe(1);
  expect(await store.deadLetters.list("default")).toEqual([]);
  expect((await store.factLog.finished(task, task))?.fact).toMatchObject({ outcome: { kind: "done" } });
});
