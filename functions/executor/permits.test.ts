import { expect, test } from "vitest";
import { Permits } from "./permits.ts";

const never = new AbortController().signal;

test("D8: no more than there are, whichever way they are asked for", async () => {
  const permits = new Permits(2);
  expect([permits.tryTake(), await permits.take(never), permits.tryTake()]).toEqual([true, true, false]);
  expect(permits.taken).toBe(2);
});

test("one that is given back goes to whoever waits longest, and to nobody else", async () => {
  const permits = new Permits(1);
  permits.tryTake();
  const order: string[] = [];
  const waiting = ["first", "second"].map(async (name) => {
    await permits.take(never);
    order.push(name);
  });
  permits.release();
  expect(permits.tryTake()).toBe(false);
  await waiting[0];
  permits.release();
  await waiting[1];
  expect(order).toEqual(["first", "second"]);
  permits.release();
  expect(permits.taken).toBe(0);
});

test("whoever gives up waiting takes none", async () => {
  const permits = new Permits(1);
  permits.tryTake();
  const stop = new AbortController();
  const waiting = permits.take(stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
  expect(await permits.take(stop.signal)).toBe(false);
  permits.release();
  expect(permits.taken).toBe(0);
});
