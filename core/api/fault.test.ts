import { expect, test } from "vitest";
import { pathText, placeOf } from "./fault.ts";

test.each([
  [["spec", "pipeline", 1, "dependsOn", 0], "spec.pipeline[1].dependsOn[0]"],
  [["spec", "inputs", "a.b"], 'spec.inputs["a.b"]'],
  [["spec", "inputs", '[0]"\\', "x"], 'spec.inputs["[0]\\"\\\\"].x'],
  [["spec", "inputs", "1"], 'spec.inputs["1"]'],
  [[], ""],
])("P10: a place and its text are one another's inverse: %j", (place, text) => {
  expect(pathText(place)).toBe(text);
  expect(placeOf(text)).toEqual(place);
});
