import { expect, test } from "vitest";
import type { ArkAgentStatus } from "#core/api/v1alpha1/ark-agent.ts";
import { agentTurns } from "./agent-turns.ts";

function status(conditions: Readonly<Record<string, readonly ["True" | "False", string]>>): ArkAgentStatus {
  return {
    conditions: Object.entries(conditions).map(([type, [is, reason]]) => ({
      type,
      status: is,
      reason,
      message: `says ${reason}`,
      lastTransitionTime: "2026-11-21T10:00:00Z",
    })),
  };
}

const AWAKE = status({ Ready: ["True", "AllReplicasReady"] });
const ASLEEP = status({ Ready: ["True", "ScaledToZero"] });

test("api 16: that an agent goes to sleep is told once; one that never woke has not gone", () => {
  expect(agentTurns(ASLEEP, AWAKE)).toEqual([{ type: "Normal", reason: "ScaledToZero", note: "says ScaledToZero" }]);
  expect(agentTurns(ASLEEP, ASLEEP)).toEqual([]);
  expect(agentTurns(ASLEEP, undefined)).toEqual([]);
  expect(agentTurns(ASLEEP, status({ Ready: ["False", "Progressing"] }))).toEqual([]);
});

test.each([
  ["BudgetExceeded", "DailyLimitReached"],
  ["MCPDegraded", "MCPDegraded"],
])("api 16: condition %s is told as %s, when it becomes true", (type, reason) => {
  const is = status({ [type]: ["True", "Because"] });
  const told = [{ type: "Warning", reason, note: "says Because" }];
  expect(agentTurns(is, undefined)).toEqual(told);
  expect(agentTurns(is, status({ [type]: ["False", "Fine"] }))).toEqual(told);
  expect(agentTurns(is, is)).toEqual([]);
  expect(agentTurns(status({ [type]: ["False", "Fine"] }), is)).toEqual([]);
});

test("D26: the first answer that is not HEALTHY is told", () => {
  const unwell = { lastProbe: { time: "2026-11-21T10:00:00Z", healthy: false } };
  expect(agentTurns(unwell, undefined)).toMatchObject([{ type: "Warning", reason: "ProbeFailed" }]);
  expect(agentTurns(unwell, unwell)).toEqual([]);
});
