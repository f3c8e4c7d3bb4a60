import { expect, test } from "vitest";
import { createPatience, GIVE_UP_MS } from "./patience.ts";

/** Time passes by pauses, and by hand. */
function patient(random: number) {
  const at = { now: 0 };
  const pauses: number[] = [];
  const patience = createPatience({
    now: () => at.now,
    random: () => random,
    wait: async (ms) => {
      pauses.push(ms);
      at.now += ms;
    },
  });
  const again = () => patience.again(new AbortController().signal);
  return { at, pauses, patience, again };
}

test.each([0.01, 0.5, 0.99])("P1 P3: pauses grow, and it ends; chance %s", async (random) => {
  const { at, pauses, again } = patient(random);
  while (await again());
  expect(pauses.slice(0, 5)).toEqual(pauses.slice(0, 5).toSorted((a, b) => a - b));
  expect(at.now).toBeGreaterThanOrEqual(GIVE_UP_MS);
  expect(at.now).toBeLessThan(2 * GIVE_UP_MS);
});

test("P2: progress, and a stream that held, begin anew; one that did not hold does not", async () => {
  const { at, pauses, patience, again } = patient(0.5);
  const tries = async (what: () => void) => {
    for (let index = 0; index < 100; index += 1) {
      what();
      expect(await again()).toBe(true);
    }
  };
  await tries(patience.progress);
  await tries(() => {
    patience.opened();
    at.now += 10_000;
  });
  expect(new Set(pauses)).toEqual(new Set([500]));
  at.now += 10_000;
  expect(await again()).toBe(true);
  expect(await again()).toBe(true);
  expect(pauses.slice(-2)).toEqual([750, 1_250]);
});
