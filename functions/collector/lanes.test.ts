import { expect, test } from "vitest";
import { createLanes } from "./lanes.ts";

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test("N1: one batch of a key at a time, in order of arrival; other keys pass", async () => {
  const first = gate();
  const seen: string[] = [];
  const lanes = createLanes<number>(async (key, batch) => {
    seen.push(`${key}:${batch.join("+")}`);
    if (key === "a" && batch.includes(1)) await first.opened;
  }, 2);
  for (const item of [1, 2, 3, 4]) lanes.push("a", item);
  lanes.push("b", 9);
  await Promise.resolve();
  expect(seen).toEqual(["a:1", "b:9"]);
  first.open();
  await lanes.idle();
  expect(seen).toEqual(["a:1", "b:9", "a:2+3", "a:4"]);
});

test("N2: idle resolves once nothing is at work, and nothing is held", async () => {
  const lanes = createLanes<number>(async () => {}, 8);
  lanes.push("a", 1);
  expect(lanes.active).toBe(1);
  await lanes.idle();
  expect(lanes.active).toBe(0);
});
