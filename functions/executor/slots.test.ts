import { expect, test } from "vitest";
import { StoreUnavailable, type Delivery } from "#core/ports/record.ts";
import { sleep } from "#platform/process/sleep.ts";
import { createPool, type SlotOptions } from "./slots.ts";

function task(value: number): Delivery<number> {
  return { value, seq: value, deliveries: 1, ack: async () => {}, nak: () => {}, working: () => {} };
}

/** `options.max` slots, until the last one has ended. */
async function runSlots<T>(options: SlotOptions<T>): Promise<void> {
  const pool = createPool(options);
  await Promise.all(Array.from({ length: options.max }, () => pool.slot()));
}

const always = { ready: async () => true, now: () => performance.now(), random: () => 0, sleep, idleMs: 60_000 };

test("O1, D8: never more tasks at once than slots", async () => {
  const stop = new AbortController();
  let at = 0;
  let most = 0;
  let left = 12;
  await runSlots<number>({
    ...always,
    max: 3,
    stop: stop.signal,
    next: async () => task((left -= 1)),
    handle: async () => {
      most = Math.max(most, (at += 1));
      await new Promise((resolve) => setImmediate(resolve));
      at -= 1;
      if (left <= 0) stop.abort();
    },
  });
  expect(most).toBe(3);
});

test("O2, D7: a stop pulls nothing more and waits for the task in hand", async () => {
  const stop = new AbortController();
  const done: number[] = [];
  let pulls = 0;
  await runSlots<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    next: async () => task((pulls += 1)),
    handle: async ({ value }) => {
      stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
      done.push(value);
    },
  });
  expect(done).toEqual([1]);
  expect(pulls).toBe(1);
});

test("O2: a slot without work ends after its idle time", async () => {
  let clock = 0;
  const waits: number[] = [];
  await runSlots<number>({
    ...always,
    max: 1,
    idleMs: 25_000,
    now: () => clock,
    stop: new AbortController().signal,
    next: async (expiresMs) => {
      waits.push(expiresMs);
      clock += expiresMs;
      return undefined;
    },
    handle: async () => {},
  });
  expect(waits).toEqual([10_000, 10_000, 5_000]);
});

test("O3, D26: an agent that is not ready pulls nothing until it is", async () => {
  const stop = new AbortController();
  const asked: boolean[] = [];
  let clock = 0;
  await runSlots<number>({
    ...always,
    max: 1,
    idleMs: 2,
    now: () => (clock += 1),
    stop: stop.signal,
    ready: async () => false,
    next: async () => {
      asked.push(true);
      return undefined;
    },
    handle: async () => {},
  });
  expect(asked).toEqual([]);
});

test("O4, D9: a queue that is away is asked again", async () => {
  const stop = new AbortController();
  let tries = 0;
  await runSlots<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    next: async () => {
      tries += 1;
      if (tries < 3) throw new StoreUnavailable("away");
      return task(tries);
    },
    handle: async () => stop.abort(),
  });
  expect(tries).toBe(3);
});

/** A pool whose one slot waits for a task that never comes, ready for what is handed in. */
async function waitingPool(max: number, handle: (delivery: Delivery<number>) => Promise<unknown>) {
  const stop = new AbortController();
  const asked: (() => void)[] = [];
  const pool = createPool<number>({
    ...always,
    max,
    stop: stop.signal,
    handle,
    next: (_expiresMs, signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
        asked.shift()?.();
      }),
  });
  const pulling = new Promise<void>((resolve) => asked.push(resolve));
  const slot = pool.slot();
  await pulling;
  return { pool, stop, slot };
}

test("O5: a task that is handed in is worked on beside the slots, up to the limit, and a stop waits for it", async () => {
  const ends: (() => void)[] = [];
  const { pool, stop, slot } = await waitingPool(2, () => new Promise<void>((resolve) => ends.push(resolve)));
  expect([pool.take(task(1)), pool.take(task(2)), pool.take(task(3))]).toEqual(["taken", "taken", "refused"]);
  expect([pool.busy, pool.open, pool.ready]).toEqual([2, 1, true]);
  stop.abort();
  await slot;
  const [first, ...others] = ends;
  first?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect([pool.busy, pool.take(task(4))]).toEqual([1, "refused"]);
  for (const end of others) end();
  await pool.settled();
  expect(pool.busy).toBe(0);
});

test("O5, D26: an instance that is not ready takes nothing that is handed in", () => {
  const pool = createPool<number>({
    ...always,
    max: 1,
    stop: new AbortController().signal,
    next: async () => undefined,
    handle: async () => {},
  });
  expect([pool.ready, pool.take(task(1))]).toEqual([false, "refused"]);
});

test("D42: a task that is meant for another instance is handed over, and not worked on here", async () => {
  const stop = new AbortController();
  const handled: number[] = [];
  let pulls = 0;
  await runSlots<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    next: async () => task((pulls += 1)),
    place: async ({ value }) => (value === 1 ? "handed" : "ours"),
    handle: async ({ value }) => {
      handled.push(value);
      stop.abort();
    },
  });
  expect(handled).toEqual([2]);
});

test("O1: a pulled task waits, and is kept alive, while handed ones have all the room; a stop gives it back", async () => {
  const stop = new AbortController();
  const returned: number[] = [];
  const pulled: Delivery<number> = { ...task(9), nak: () => void returned.push(9) };
  let give: (delivery: Delivery<number>) => void = () => {};
  let end: () => void = () => {};
  const pool = createPool<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    next: () => new Promise((resolve) => (give = resolve)),
    handle: () => new Promise<void>((resolve) => (end = resolve)),
  });
  const slot = pool.slot();
  await new Promise((resolve) => setImmediate(resolve));
  expect(pool.take(task(1))).toBe("taken");
  give(pulled);
  await new Promise((resolve) => setImmediate(resolve));
  expect(pool.busy).toBe(1);
  stop.abort();
  await slot;
  expect(returned).toEqual([9]);
  end();
  await pool.settled();
});

test("O2: a slot that breaks leaves its place to the next one", async () => {
  const stop = new AbortController();
  const bug = new Error("a bug");
  let pulls = 0;
  const pool = createPool<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    next: async () => {
      if ((pulls += 1) === 1) throw bug;
      return task(pulls);
    },
    handle: async () => stop.abort(),
  });
  await expect(pool.slot()).rejects.toBe(bug);
  expect(pool.open).toBe(0);
  await pool.slot();
  expect(pulls).toBe(2);
});

test("whoever routes tasks is told at once of a slot that opens and ends, of readiness, and of each task", async () => {
  const stop = new AbortController();
  const seen: unknown[] = [];
  let pulls = 0;
  const pool = createPool<number>({
    ...always,
    max: 1,
    stop: stop.signal,
    changed: () => void seen.push({ open: pool.open, busy: pool.busy, ready: pool.ready }),
    next: async () => {
      if ((pulls += 1) === 1) return task(1);
      stop.abort();
      return undefined;
    },
    handle: async () => {},
  });
  await pool.slot();
  expect(seen).toEqual([
    { open: 1, busy: 0, ready: false },
    { open: 1, busy: 0, ready: true },
    { open: 1, busy: 1, ready: true },
    { open: 1, busy: 0, ready: true },
    { open: 0, busy: 0, ready: true },
  ]);
});
