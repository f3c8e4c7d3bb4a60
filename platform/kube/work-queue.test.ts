import { expect, onTestFinished, test, vi } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { Lock } from "../../test/harness/lock.ts";
import { createWorkQueue, type WorkOutcome } from "./work-queue.ts";

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };

function queueOf(work: (key: string) => Promise<WorkOutcome>, concurrency = 4) {
  const stop = new AbortController();
  const queue = createWorkQueue({ work, concurrency, random: () => 0, log, backoffMs: { first: 2, most: 8 } });
  const running = queue.run(stop.signal);
  return {
    queue,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

test("U1: a key is in hand once at a time, and once more for all that came meanwhile", async () => {
  const began = new Lock(1);
  const finish = new Lock(1);
  let most = 0;
  let inHand = 0;
  let looks = 0;
  await using running = queueOf(async () => {
    most = Math.max(most, ++inHand);
    looks += 1;
    began.unlock();
    await finish.done;
    inHand -= 1;
    return { kind: "done" };
  });
  running.queue.add("a");
  await began.done;
  for (let n = 0; n < 10; n += 1) running.queue.add("a");
  finish.unlock();
  await running.queue.idle();
  expect({ most, looks }).toEqual({ most: 1, looks: 2 });
});

test("U2: a key that fails or throws comes again until it is done, and hinders no other", async () => {
  const done = new Lock(2);
  const tries: Record<string, number> = {};
  await using running = queueOf(async (key) => {
    const count = (tries[key] = (tries[key] ?? 0) + 1);
    if (key === "bad" && count < 3) throw new Error("no");
    if (key === "bad" && count < 5) return { kind: "retry", reason: "not yet" };
    done.unlock();
    return { kind: "done" };
  }, 1);
  running.queue.add("bad");
  running.queue.add("good");
  await done.done;
  expect(tries).toEqual({ bad: 5, good: 1 });
});

test("U3: a key that waits comes again at its time, and by a change before it", async () => {
  const looks = new Lock(3);
  let count = 0;
  await using running = queueOf(async () => {
    count += 1;
    looks.unlock();
    if (count === 1) return { kind: "wait", reason: "a child", afterMs: 3_600_000 };
    return count === 2 ? { kind: "wait", reason: "a clock", afterMs: 1 } : { kind: "wait", reason: "for ever" };
  });
  running.queue.add("a");
  await running.queue.idle();
  running.queue.add("a");
  await looks.done;
  await running.queue.idle();
  expect(count).toBe(3);
});

test("U4: a key that waits for longer than a timer can, as for a yearly tick, comes neither at once nor never", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const DAY_MS = 86_400_000;
  const looks: number[] = [];
  await using running = queueOf(async () => {
    looks.push(performance.now());
    return { kind: "wait", reason: "its tick", afterMs: 40 * DAY_MS };
  });
  const began = performance.now();
  running.queue.add("a");
  await vi.advanceTimersByTimeAsync(39 * DAY_MS);
  expect(looks.map((at) => at - began)).toEqual([0]);
  await vi.advanceTimersByTimeAsync(50 * DAY_MS);
  expect(looks.map((at) => at - began)).toEqual([0, 40 * DAY_MS, 80 * DAY_MS]);
});

test("U5: what ends in hand after the signal, or is told then, leaves no timer behind", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const began = new Lock(1);
  const finish = new Lock(1);
  const running = queueOf(async () => {
    began.unlock();
    await finish.done;
    return { kind: "wait", reason: "its tick", afterMs: 60_000 };
  });
  running.queue.add("a");
  await began.done;
  const over = running[Symbol.asyncDispose]();
  finish.unlock();
  await over;
  running.queue.add("b", 60_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("no more keys are in hand than allowed", async () => {
  let inHand = 0;
  let most = 0;
  await using running = queueOf(async () => {
    most = Math.max(most, ++inHand);
    await new Promise((resolve) => setImmediate(resolve));
    inHand -= 1;
    return { kind: "done" };
  }, 2);
  for (let n = 0; n < 20; n += 1) running.queue.add(`key-${n}`);
  await running.queue.idle();
  expect(most).toBe(2);
});
