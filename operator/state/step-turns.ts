/**
 * The Kubernetes Events of a run's steps (api 16).
 *
 * S1  One turn per look at a step, the one that matters most: a status is written several times a second at most, and
 *     what came between is in the record.
 */
import type { StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import type { Turn } from "./run-turn.ts";
import { type RunView, type StepGlance, stepGlance } from "./views.ts";

const UNBEGUN: StepGlance = { phase: "Pending", attempts: 0, refused: 0 };

/** `before`: what was known of the run; one that is seen for the first time, or has ended, has told its turns. */
export function stepTurns(steps: readonly StepStatus[], before: RunView | undefined): readonly Turn[] {
  const known = before?.steps;
  if (known === undefined) return [];
  return steps.flatMap((step) => {
    const turn = turnOf(step, known[step.name] ?? UNBEGUN);
    return turn === undefined ? [] : [turn];
  });
}

function turnOf(step: StepStatus, before: StepGlance): Turn | undefined {
  const { phase, attempts, refused } = stepGlance(step);
  if (refused > before.refused && phase !== "Succeeded")
    return warning("StepValidationFailed", step, step.validationMessage ?? "");
  const moved = phase === before.phase ? undefined : moveTo(step);
  const isRetried = attempts > 1 && attempts > before.attempts && phase !== "Waiting";
  return moved ?? (isRetried ? normal("StepRetried", step, `attempt ${attempts}`) : undefined);
}

function moveTo(step: StepStatus): Turn | undefined {
  switch (step.phase) {
    case "Succeeded":
      return normal("StepSucceeded", step, ["succeeded", step.message].filter(Boolean).join("; "));
    case "Failed":
      return warning("StepFailed", step, [step.errorCode, step.message].filter(Boolean).join(": "));
    case "Waiting":
      return normal("StepWaiting", step, step.message ?? "waits");
    default:
      return undefined;
  }
}

function normal(reason: string, { name }: StepStatus, words: string): Turn {
  return { type: "Normal", reason, note: `step ${name}: ${words}` };
}

function warning(reason: string, { name }: StepStatus, words: string): Turn {
  return { type: "Warning", reason, note: `step ${name}: ${words}` };
}
