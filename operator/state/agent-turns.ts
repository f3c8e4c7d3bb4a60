/** The Kubernetes Events of what an agent has come to: each once, at its turn (api 16). */
import type { ArkAgentStatus } from "#core/api/v1alpha1/ark-agent.ts";
import type { Condition } from "#core/api/v1alpha1/common.ts";
import type { Turn } from "./run-turn.ts";

type Status = ArkAgentStatus | undefined;

export function agentTurns(now: ArkAgentStatus, before: Status): readonly Turn[] {
  return [
    ...probe(now, before),
    ...becameTrue("MCPDegraded", "MCPDegraded", now, before),
    ...becameTrue("BudgetExceeded", "DailyLimitReached", now, before),
    ...sleep(now, before),
  ];
}

function probe({ lastProbe }: ArkAgentStatus, before: Status): readonly Turn[] {
  if (lastProbe?.healthy !== false || before?.lastProbe?.healthy === false) return [];
  return [{ type: "Warning", reason: "ProbeFailed", note: "no tasks are taken until it answers HEALTHY" }];
}

function becameTrue(type: string, reason: string, now: ArkAgentStatus, before: Status): readonly Turn[] {
  const found = conditionOf(type, now);
  if (found?.status !== "True" || conditionOf(type, before)?.status === "True") return [];
  return [{ type: "Warning", reason, note: found.message }];
}

/** An agent that was never awake has not gone to sleep. */
function sleep(now: ArkAgentStatus, before: Status): readonly Turn[] {
  const found = conditionOf("Ready", now);
  if (found?.reason !== "ScaledToZero" || conditionOf("Ready", before)?.reason !== "AllReplicasReady") return [];
  return [{ type: "Normal", reason: "ScaledToZero", note: found.message }];
}

function conditionOf(type: string, status: Status): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}
