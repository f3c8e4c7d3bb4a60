import { expect, it } from "vitest";
import { table } from "./table.ts";
import { age, elapsed, timeOf } from "./time.ts";

it("aligns columns and leaves no trailing blanks", () => {
  expect(
    table(
      ["Name", "Phase", "Age"],
      [
        ["a", "Succeeded", "5m"],
        ["long-name", "", ""],
      ],
    ),
  ).toBe("NAME        PHASE       AGE\na           Succeeded   5m\nlong-name\n");
});

it("keeps a cell on one line", () => expect(table(["A", "B"], [["x\ny", "z"]])).toContain("x y"));

it.each([
  [0, "0.0s"],
  [6_340, "6.3s"],
  [59_949, "59.9s"],
  [59_950, "1m00s"],
  [125_000, "2m05s"],
  [3_720_000, "1h02m"],
])("shows %d ms as %s", (ms, text) => expect(elapsed(ms)).toBe(text));

it.each([
  [5_000, "5s"],
  [119_000, "119s"],
  [720_000, "12m"],
  [26 * 3_600_000, "26h"],
  [72 * 3_600_000, "3d"],
])("shows an age of %d ms as %s", (ms, text) => expect(age(ms)).toBe(text));

it("reads RFC 3339 and nothing else", () => {
  expect(timeOf("2026-03-17T10:00:00Z")).toBe(1_773_741_600_000);
  expect(timeOf("soon")).toBeUndefined();
  expect(timeOf(undefined)).toBeUndefined();
});
