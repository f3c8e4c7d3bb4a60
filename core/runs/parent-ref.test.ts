import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { parentOf } from "./parent-ref.ts";
import { ANNOTATIONS, requestOf } from "./run-object.ts";

const budgets = [
  { key: "run.ai.outer", limit: 10 },
  { key: "team.ai.desk", limit: 20, windowMs: 86_400_000 },
];
const parent = { namespace: "ai", run: "outer", uid: "u", step: "desk", iteration: 0, attempt: 1, budgets };

test("a parent comes back as it was kept, windows of its budgets included", () => {
  expect(parentOf(JSON.stringify(parent), "ai")).toEqual(parent);
});

test.each([
  ["no JSON", "{"],
  ["no parent", JSON.stringify({ run: "outer" })],
  ["N1: of another namespace", JSON.stringify({ ...parent, namespace: "dev" })],
  ["N1: with another namespace's budget", JSON.stringify({ ...parent, budgets: [{ key: "team.dev.desk", limit: 1 }] })],
])("what a handmade run says of its parent makes it no nested run: %s", (_what, annotation) => {
  expect(parentOf(annotation, "ai")).toBeUndefined();
  const run: ArkRun = {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name: "one", namespace: "ai", uid: "v", annotations: { [ANNOTATIONS.parent]: annotation } },
    spec: { teamRef: "desk", roles: [], pipeline: [] },
  };
  expect(requestOf(run, 1).parent).toBeUndefined();
});
