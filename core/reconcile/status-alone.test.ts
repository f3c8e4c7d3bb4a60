import { expect, test } from "vitest";
import { isStatusAlone } from "./status-alone.ts";

const metadata = { name: "one", uid: "u", generation: 1, resourceVersion: "7", labels: { a: "b" } };

test.each([
  ["a status", { resourceVersion: "8" }, true],
  ["whose fields are whose", { resourceVersion: "8", managedFields: [{ manager: "ark" }] }, true],
  ["a spec", { resourceVersion: "8", generation: 2 }, false],
  ["an annotation", { resourceVersion: "8", annotations: { "arkonis.dev/replay": "all" } }, false],
  ["a label", { resourceVersion: "8", labels: { a: "c" } }, false],
  ["a deletion that has begun", { resourceVersion: "8", deletionTimestamp: "2026-01-01T00:00:00Z" }, false],
  ["another object of the name", { resourceVersion: "8", uid: "v" }, false],
])("%s changed alone: %s, %s", (_what, changed, alone) => {
  expect(isStatusAlone({ metadata: { ...metadata, ...changed } }, { metadata })).toBe(alone);
});
