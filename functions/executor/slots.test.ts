import { expect, test } from "vitest";
import { StoreUnavailable, type Delivery } from "#core/ports/record.ts";
import { runSlots } from "./slots.ts";

function task(value: number): Delivery<number> {
  return { value, seq: value, deliveries: 1, ack: async () => {}, nak: () => {}, working: () => {} };
}

const always = { ready: async () => true, now: () => performance.now(), random: () => 0, idleMs: 60_000 };

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
