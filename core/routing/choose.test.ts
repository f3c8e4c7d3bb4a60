import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Strategy } from "#core/api/v1alpha1/ark-service.ts";
import { type Candidate, choose } from "./choose.ts";

const one = (instance: string, load = 0, ready = true): Candidate => ({ instance, load, ready });

describe("D42: each strategy, by table", () => {
  const abc = [one("a", 2), one("b", 1), one("c", 1)];
  const cases: [Strategy, readonly Candidate[], string | undefined, number, string | undefined][] = [
    ["round-robin", abc, undefined, 0, "a"],
    ["round-robin", abc, "a", 0, "b"],
    ["round-robin", abc, "c", 0, "a"],
    ["round-robin", [one("c"), one("a")], "b", 0, "c"],
    ["round-robin", [one("c"), one("a"), one("b")], "a", 0, "b"],
    ["round-robin", [one("a", 0, false), one("b")], "b", 0, "b"],
    ["least-busy", abc, undefined, 0, "b"],
    ["least-busy", abc, "b", 0, "c"],
    ["least-busy", [one("a", 0, false), one("b", 9)], undefined, 0, "b"],
    ["random", abc, undefined, 0, "a"],
    ["random", abc, undefined, 0.5, "b"],
    ["random", abc, undefined, 0.999, "c"],
    ["round-robin", [], undefined, 0, undefined],
    ["least-busy", [one("a", 0, false)], "a", 0, undefined],
    ["random", [one("a", 0, false)], undefined, 0.5, undefined],
  ];
  test.each(cases)("%s of %j after %s with %d: %s", (strategy, candidates, last, dice, expected) => {
    expect(choose(strategy, candidates, last, dice)).toBe(expected);
  });
});

const candidates = fc.uniqueArray(
  fc.record({ instance: fc.stringMatching(/^[a-z]{1,4}$/), ready: fc.boolean(), load: fc.nat(5) }),
  { selector: ({ instance }) => instance, maxLength: 8 },
);
const strategies = fc.constantFrom<Strategy>("round-robin", "least-busy", "random");
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("R1: somebody ready where there is one, else nobody", () => {
  fc.assert(
    fc.property(strategies, candidates, fc.option(fc.string(), { nil: undefined }), dice, (strategy, all, last, x) => {
      const chosen = choose(strategy, all, last, x);
      const ready = all.filter((each) => each.ready).map(({ instance }) => instance);
      if (ready.length === 0) expect(chosen).toBeUndefined();
      else expect(ready).toContain(chosen);
    }),
  );
});

test("R2: 300 tasks in turn differ by one at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), (size) => {
      const all = Array.from({ length: size }, (_, i) => one(`pod-${i}`));
      const counts = new Map<string, number>();
      let last: string | undefined;
      for (let n = 0; n < 300; n += 1) {
        last = choose("round-robin", all, last, 0) ?? "";
        counts.set(last, (counts.get(last) ?? 0) + 1);
      }
      expect(counts.size).toBe(size);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    }),
  );
});

test("R3: nobody with fewer tasks is passed over", () => {
  fc.assert(
    fc.property(candidates, fc.option(fc.string(), { nil: undefined }), (all, last) => {
      const chosen = all.find(({ instance }) => instance === choose("least-busy", all, last, 0));
      for (const each of all) if (each.ready) expect(chosen?.load).toBeLessThanOrEqual(each.load);
    }),
  );
});

test("R4: equal shares of the dice", () => {
  const all = [one("a"), one("b", 9), one("c")];
  const chosen = Array.from({ length: 300 }, (_, n) => choose("random", all, "a", n / 300));
  for (const { instance } of all) expect(chosen.filter((name) => name === instance)).toHaveLength(100);
});
