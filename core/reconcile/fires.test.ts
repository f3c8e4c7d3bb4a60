import { expect, test } from "vitest";
import { tallyFires } from "./fires.ts";

const run = (key: number, minute = 0) => ({
  eventKey: String(key).padStart(64, "0").split("").toReversed().join(""),
  createdAt: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`,
});

test("F1, D35: 1,000 fires of two targets each are 1,000, seen in any order and any number of times", () => {
  const runs = Array.from({ length: 1_000 }, (_, index) => [run(index), run(index)]).flat();
  let stored = tallyFires("u", undefined, runs.slice(0, 700)).tally;
  stored = tallyFires("u", stored, runs.toReversed()).tally;
  const last = tallyFires("u", stored, runs);
  expect(last).toMatchObject({ fresh: 0, changed: false, tally: { count: 1_000 } });
});

test("F1: two fires of one second are told one by one", () => {
  const first = tallyFires("u", undefined, [run(1)]);
  const both = tallyFires("u", first.tally, [run(1), run(2)]);
  expect(both).toMatchObject({ fresh: 1, changed: true, tally: { count: 2 } });
  expect(tallyFires("u", both.tally, [run(1), run(2)])).toMatchObject({ fresh: 0, changed: false });
});

test("F1: a run that goes lowers nothing, and what is remembered goes with it", () => {
  const first = tallyFires("u", undefined, [run(1), run(2, 5)]);
  expect(first).toMatchObject({ fresh: 2, changed: true, tally: { count: 2, lastFiredAt: "2026-01-01T00:05:00Z" } });
  const second = tallyFires("u", first.tally, []);
  expect(second).toMatchObject({ fresh: 0, changed: true, tally: { count: 2, keys: [] } });
  expect(second.tally.lastFiredAt).toBe("2026-01-01T00:05:00Z");
});

test("another ArkEvent of the same name begins at 0", () => {
  const first = tallyFires("u", undefined, [run(1)]).tally;
  expect(tallyFires("v", first, []).tally).toEqual({ uid: "v", count: 0, keys: [] });
});
