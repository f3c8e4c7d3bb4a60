import { expect, test } from "vitest";
import { ArkAgentSpecSchema } from "../api/v1alpha1/ark-agent.ts";
import { agentScale, instancesFor, slotsFor } from "./agent-scale.ts";

const scaleOf = (spec: object) => agentScale(ArkAgentSpecSchema.parse({ model: "mock", systemPrompt: "x", ...spec }));

test.each([
  ["the defaults", {}, { slots: 5, least: 0, most: 1, tasksEach: 5 }],
  ["replicas alone", { replicas: 4, limits: { maxConcurrentTasks: 2 } }, { slots: 2, least: 0, most: 4, tasksEach: 2 }],
  [
    "bounds of its own",
    { autoscaling: { minReplicas: 2, maxReplicas: 9, targetPendingTasks: 20 } },
    { slots: 5, least: 2, most: 9, tasksEach: 20 },
  ],
  [
    "a lower bound alone",
    { replicas: 3, autoscaling: { minReplicas: 1 } },
    { slots: 5, least: 1, most: 3, tasksEach: 5 },
  ],
  [
    "no autoscaling: always as many as replicas says",
    { replicas: 3, autoscaling: { enabled: false, maxReplicas: 9, targetPendingTasks: 1 } },
    { slots: 5, least: 3, most: 3, tasksEach: 5 },
  ],
  [
    "Z1: drained, whatever the bounds are",
    { replicas: 0, autoscaling: { minReplicas: 2, maxReplicas: 9 } },
    { slots: 5, least: 0, most: 0, tasksEach: 5 },
  ],
])("%s", (_what, spec, wanted) => {
  expect(scaleOf(spec)).toEqual(wanted);
});

const OWN_TARGET = { limits: { maxConcurrentTasks: 4 }, autoscaling: { minReplicas: 1, maxReplicas: 3 } };
test.each([
  ["nothing waits: the least stay, no slot wakes", OWN_TARGET, 0, 1, 0],
  ["one task for each slot", OWN_TARGET, 6, 2, 6],
  ["Z2: never more than the most (D8)", OWN_TARGET, 5_000, 3, 12],
  ["a queue before a second one", { autoscaling: { maxReplicas: 3, targetPendingTasks: 10 } }, 10, 1, 5],
  ["an instance for each task", { autoscaling: { maxReplicas: 3, targetPendingTasks: 1 } }, 2, 2, 2],
  ["Z1: drained", { replicas: 0 }, 7, 0, 0],
])("%s", (_what, spec, tasks, instances, slots) => {
  expect(instancesFor(tasks, scaleOf(spec))).toBe(instances);
  expect(slotsFor(tasks, scaleOf(spec))).toBe(slots);
});
