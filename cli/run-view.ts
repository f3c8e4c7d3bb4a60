/** An ArkRun as the renderers show it. */
import type { ArkRun, ArkRunStatus, StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import type { RunView, StepView } from "./render/run-view.ts";
import { timeOf } from "./render/time.ts";

export function runViewOf(run: ArkRun): RunView {
  const status = run.status ?? {};
  return defined({
    ...namesOf(run),
    ...verdictOf(status),
    phase: status.phase ?? "Pending",
    tokens: status.totalTokenUsage?.totalTokens ?? 0,
    steps: (status.steps ?? []).map(stepViewOf),
    startedAt: timeOf(status.startTime),
    endedAt: timeOf(status.completionTime),
    output: status.output,
    outputBytes: status.outputRef?.bytes,
  });
}

function namesOf({ metadata, spec }: ArkRun): Pick<RunView, "name" | "namespace" | "of"> {
  return {
    name: metadata.name ?? "",
    namespace: metadata.namespace ?? "",
    of: spec.teamRef ?? spec.agent ?? "",
  };
}

function verdictOf(status: ArkRunStatus): { reason: string | undefined; message: string | undefined } {
  const verdict = status.conditions?.find((condition) => condition.type === "Succeeded");
  return { reason: verdict?.reason, message: verdict?.message };
}

function stepViewOf(step: StepStatus): StepView {
  return defined({
    name: step.name,
    phase: step.phase,
    tokens: step.tokenUsage?.totalTokens ?? 0,
    startedAt: timeOf(step.startTime),
    endedAt: timeOf(step.completionTime),
    message: step.message,
    output: step.output,
    attempts: step.attempts,
    iterations: step.iterations,
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same object without the keys whose value is undefined. */
function defined<T extends object>(of: T): Defined<T> {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as Defined<T>;
}
