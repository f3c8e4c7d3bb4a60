import { expect, it } from "vitest";
import { ArkError } from "#core/errors.ts";
import { durationOption, inputOption, labelsOption } from "./options.ts";

it("takes pairs and JSON objects as input, later ones first; what is no string travels as JSON", () => {
  expect(inputOption(["topic=a=b", '{"n": 3, "list": [1], "topic": "owls"}'])).toEqual({
    topic: "owls",
    n: "3",
    list: "[1]",
  });
});

it.each([
  () => inputOption(["topic"]),
  () => inputOption(["=x"]),
  () => inputOption(["{broken"]),
  () => inputOption(['{"a": 1']),
  () => durationOption("--timeout", "soon"),
  () => durationOption("--timeout", "0s"),
  () => durationOption("--timeout", "597h"),
  () => labelsOption("a"),
  () => labelsOption("=b"),
])("refuses what it cannot read, with a next step", (read) => {
  let thrown: unknown;
  try {
    read();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ArkError);
  expect((thrown as ArkError).code).toBe("usage");
  expect((thrown as ArkError).hint).not.toBe("");
});

it("reads durations and labels", () => {
  expect(durationOption("--timeout", "1m30s")).toBe(90_000);
  expect(labelsOption("a=b,c==d")).toEqual({ a: "b", c: "d" });
  expect(labelsOption(undefined)).toEqual({});
});
