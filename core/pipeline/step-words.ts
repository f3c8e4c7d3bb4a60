/** What people are told of one step: its phase, and why it stands where it stands. */
import type { StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { short } from "./draft.ts";
import type { PlannedStep } from "./graph.ts";
import type { StepState } from "./state.ts";

/** A task that no executor has taken yet is warming up: its pool may be asleep, or its agent missing (D12). */
export function stepPhase(step: StepState): StepStatus["phase"] {
  switch (step.phase) {
    case "pending":
      return "Pending";
    case "active":
      return step.attempt.takenAt === undefined && step.child === undefined ? "WarmingUp" : "Running";
    case "backoff":
      return "Waiting";
    case "succeeded":
      return "Succeeded";
    case "failed":
      return "Failed";
    case "skipped":
      return "Skipped";
    case "cancelled":
      return "Cancelled";
  }
}

export function stepMessage(planned: PlannedStep, step: StepState): string | undefined {
  if (step.phase === "active") return waitingFor(planned, step);
  if (step.phase === "backoff")
    return `retry ${step.next.attempt} at ${new Date(step.until).toISOString()} after: ${step.message}`.slice(0, 1024);
  if (step.phase === "succeeded") return missed(step.result?.contextMissed);
  return "message" in step ? step.message : undefined;
}

function missed(why: string | undefined): string | undefined {
  return why === undefined ? undefined : short(`contextPolicy: ${why}; readers get the whole output`);
}

/** What a started step waits for; undefined while it is worked on. */
export function waitingFor({ target }: PlannedStep, step: StepState): string | undefined {
  if (step.phase === "backoff") return "a retry";
  if (step.phase !== "active" || step.attempt.takenAt !== undefined) return undefined;
  return target.kind === "agent" ? `waiting for agent ${target.agent}` : `waiting for run ${step.child ?? target.team}`;
}
