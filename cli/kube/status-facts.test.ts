import { describe, expect, it } from "vitest";
import type { ArkRun, ArkRunStatus, StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { factsOfStatus, StatusFacts } from "./status-facts.ts";

const at = (second: number) => new Date(second * 1_000).toISOString();
const runOf = (status: ArkRunStatus): ArkRun => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkRun",
  metadata: { name: "r", namespace: "n", uid: "u", creationTimestamp: at(1) },
  spec: { teamRef: "t" },
  status,
});
const ended = (reason: string): ArkRunStatus => ({
  phase: "Failed",
  startTime: at(2),
  completionTime: at(9),
  conditions: [{ type: "Succeeded", status: "False", reason, message: "why", lastTransitionTime: at(9) }],
});
const working: StepStatus = { name: "a", phase: "Running", attempts: 1, iterations: 2, startTime: at(3) };
const done: StepStatus = { ...working, phase: "Succeeded", completionTime: at(5), output: "x" };

describe("how a run ended, where no step says it", () => {
  it.each([
    ["InvalidInput", "run.refused"],
    ["Cancelled", "run.cancel"],
    ["TimedOut", "timer"],
    ["StepFailed", undefined],
  ])("%s: %s", (reason, kind) => {
    expect(factsOfStatus(runOf(ended(reason)))[1]?.kind).toBe(kind);
  });
});

it("a step that waits has no fact; one that ended has two; a long output goes by reference", () => {
  const outputRef = { digest: "sha256:1", bytes: 40_000 };
  const steps: StepStatus[] = [
    { ...done, outputRef },
    { name: "b", phase: "Pending" },
  ];
  expect(factsOfStatus(runOf({ phase: "Running", startTime: at(2), steps }))).toMatchObject([
    { kind: "run.requested", at: 2_000 },
    { kind: "step.started", at: 3_000, step: "a", iteration: 1, attempt: 0 },
    { kind: "step.finished", at: 5_000, outcome: { kind: "done", output: { ref: { ...outputRef, preview: "x" } } } },
  ]);
});

it("B1: a status that grows gives each fact once, under a number that stays", () => {
  const facts = new StatusFacts();
  const first = facts.read(runOf({ phase: "Running", startTime: at(2), steps: [working] }), 1);
  expect(first.map(({ seq, fact }) => [seq, fact.kind])).toEqual([
    [1, "run.requested"],
    [2, "step.started"],
  ]);
  // It ended before the other one began: new facts come after those that were read, whatever their times.
  const early: StepStatus = { ...done, name: "c", startTime: at(2), completionTime: at(2) };
  const later = runOf({ phase: "Running", startTime: at(2), steps: [done, early] });
  expect(facts.read(later, 3).map(({ seq, fact }) => [seq, fact.kind])).toEqual([
    [3, "step.started"],
    [4, "step.finished"],
    [5, "step.finished"],
  ]);
  expect(facts.read(later, 1).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
});
