import { expect, test } from "vitest";
import { createLanes } from "./lanes.ts";

const AT_ONCE = { canWait: () => false, ms: 0 };

function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test("N1: one batch of a key at a time, in order of arrival; other keys pass", async () => {
  const first = gate();
  const seen: string[] = [];
  const lanes = createLanes<number>(
    async (key, batch) => {
      seen.push(`${key}:${batch.join("+")}`);
      if (key === "a" && batch.includes(1)) await first.opened;
    },
    2,
    AT_ONCE,
  );
  for (const item of [1, 2, 3, 4]) lanes.push("a", item);
  lanes.push("b", 9);
  await Promise.resolve();
  expect(seen).toEqual(["a:1", "b:9"]);
  first.open();
  await lanes.idle();
  expect(seen).toEqual(["a:1", "b:9", "a:2+3", "a:4"]);
});

test("N2: idle resolves once nothing is at work, and nothing is held", async () => {
  const lanes = createLanes<number>(async () => {}, 8, AT_ONCE);
  lanes.push("a", 1);
  expect(lanes.active).toBe(1);
  await lanes.idle();
  expect(lanes.active).toBe(0);
});

test("N3: what can wait goes with the first item that cannot, and alone where none comes", async () => {
  const worked: string[] = [];
  const lanesOf = (ms: number) =>
    createLanes<string>(async (_key, batch) => void worked.push(batch.join("+")), 8, {
      canWait: (item) => item === "turn",
      ms,
    });
  const patient = lanesOf(3_600_000);
  for (const item of ["turn", "turn", "finished"]) patient.push("a", item);
  await patient.idle();
  expect(worked).toEqual(["turn+turn+finished"]);
  const alone = lanesOf(1);
  alone.push("a", "turn");
  await alone.idle();
  expect(worked).toEqual(["turn+turn+finished", "turn"]);
});
