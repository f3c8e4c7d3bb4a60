import { afterAll, beforeAll, expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { aRun, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

const idle = new AbortController().signal;
let agents = 0;
function aTask(over: Partial<Task> = {}): Task {
  agents += 1;
  return {
    ...aRun(),
    agent: `agent-${agents}`,
    step: "write",
    iteration: 0,
    attempt: 0,
    prompt: { inline: "Hello" },
    budgets: [],
    ...over,
  };
}

test("D3: a task queued before any worker came is delivered to the first one", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  const { seq } = await tasks.publish(task);
  expect(await tasks.pending(task)).toEqual({ waiting: 1, running: 0 });
  const delivery = await tasks.next(task, 10_000, idle);
  expect(delivery).toMatchObject({ value: task, seq, deliveries: 1 });
  expect(await tasks.pending(task)).toEqual({ waiting: 0, running: 1 });
  await delivery?.ack();
  expect(await tasks.pending(task)).toEqual({ waiting: 0, running: 0 });
});

test("publishing an attempt twice gives one task and one sequence", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  expect(await tasks.publish(task)).toEqual(await tasks.publish(task));
  expect((await tasks.pending(task)).waiting).toBe(1);
});

test("D1: an agent gets its own tasks only, in every namespace", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  await tasks.publish(task);
  await tasks.publish({ ...aTask(), agent: task.agent, namespace: "other" });
  expect((await tasks.next(task, 10_000, idle))?.value.namespace).toBe("default");
  expect(await tasks.next(task, 1_000, idle)).toBeUndefined();
});

test("a task that comes while a worker waits is in its hand", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  const waiting = tasks.next(task, 20_000, idle);
  await tasks.publish(task);
  expect((await waiting)?.value.step).toBe("write");
});

test("Q2: a wait that is given up leaves no subscription, and the task is there for the next", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  expect(await tasks.next(task, 1_000, idle)).toBeUndefined();
  const baseline = await natsBaseline(opened.nats);
  const abort = new AbortController();
  const waiting = tasks.next(task, 20_000, abort.signal);
  abort.abort();
  expect(await waiting).toBeUndefined();
  expect(await tasks.next(task, 20_000, abort.signal)).toBeUndefined();
  await expectNoLeaks(opened.nats, baseline);
  await tasks.publish(task);
  expect((await tasks.next(task, 10_000, idle))?.value).toEqual(task);
});

test("a removed task is never delivered; removing it twice is harmless", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  const { seq } = await tasks.publish(task);
  await tasks.remove(seq);
  await tasks.remove(seq);
  expect(await tasks.next(task, 1_000, idle)).toBeUndefined();
});

test("a task given back with a delay comes again and counts its deliveries", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  await tasks.publish(task);
  (await tasks.next(task, 10_000, idle))?.nak(50);
  expect((await tasks.next(task, 20_000, idle))?.deliveries).toBe(2);
});

test("D4, E3: a worker that died loses its task after AckWait; heartbeats keep it", async () => {
  await using fresh = await openStore({ taskAckWaitMs: 4_000 });
  const { tasks } = fresh.store;
  const task = aTask();
  await tasks.publish(task);
  const held = await tasks.next(task, 10_000, idle);
  const heartbeat = setInterval(() => held?.working(), 300);
  const other = await connectStore(fresh.nats, { taskAckWaitMs: 4_000 });
  expect(await other.tasks.next(task, 6_000, idle)).toBeUndefined();
  clearInterval(heartbeat);
  const again = await other.tasks.next(task, 20_000, idle);
  expect(again?.deliveries).toBe(2);
  await other.close();
});

test("a consumer that was deleted is made again", async () => {
  const { tasks } = opened.store;
  const task = aTask();
  expect(await tasks.next(task, 1_000, idle)).toBeUndefined();
  const admin = await opened.nats.connect();
  const { jetstreamManager } = await import("@nats-io/jetstream");
  await (await jetstreamManager(admin)).consumers.delete("ARK_TASKS", `${task.namespace}_${task.agent}`);
  await tasks.publish(task);
  expect((await tasks.next(task, 10_000, idle))?.value).toEqual(task);
});

test("P8: a pull that waits while the server is stopped in order finds it away, and the next one its task", async () => {
  await using fresh = await openStore({ requestTimeoutMs: 1_000 });
  const { tasks } = fresh.store;
  const task = aTask();
  const waiting = expect(tasks.next(task, 30_000, idle)).rejects.toThrow(StoreUnavailable);
  const pulls = async () => (await fresh.nats.monitor.jsz()).streams.flatMap((one) => one.consumer_detail);
  await expect
    .poll(pulls, { timeout: 20_000 })
    .toContainEqual(expect.objectContaining({ stream_name: "ARK_TASKS", num_waiting: 1 }));
  await fresh.nats.stop();
  await waiting;
  await fresh.nats.restart();
  await expect.poll(() => tasks.publish(task).catch(() => undefined), { timeout: 20_000 }).toBeDefined();
  expect((await tasks.next(task, 20_000, idle))?.value).toEqual(task);
});
