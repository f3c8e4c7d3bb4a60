import { expect, test } from "vitest";
import { Coalesced } from "./coalesce.ts";

const HOUR_MS = 3_600_000;
const failing = (error: unknown): void => {
  throw error;
};

function counted(gapMs: number) {
  let passes = 0;
  const pass = new Coalesced(async () => void (passes += 1), failing, gapMs);
  return { pass, passes: () => passes };
}

test("Y1: pokes during a pass are one more pass", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const { pass, passes } = counted(0);
  const slow = new Coalesced(async () => {
    pass.poke();
    await held;
  }, failing);
  slow.poke();
  await Promise.resolve();
  slow.poke();
  slow.poke();
  release();
  await slow.idle();
  await pass.idle();
  expect(passes()).toBe(2);
});

test("Y2: what is shown alone is shown at once after a quiet time, then once in a gap; a poke does not wait for it", async () => {
  const { pass, passes } = counted(HOUR_MS);
  pass.pokeSoon();
  await expect.poll(passes).toBe(1);
  pass.pokeSoon();
  pass.poke();
  await pass.idle();
  expect(passes()).toBe(2);
  pass.pokeSoon();
  await pass.stop();
  expect(passes()).toBe(2);
});

test("Y2: it comes once the gap is over", async () => {
  const { pass, passes } = counted(20);
  for (const at of [1, 2, 3]) {
    pass.pokeSoon();
    await expect.poll(passes).toBe(at);
  }
});
