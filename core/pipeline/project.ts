/**
 * A run's state as `ArkRun.status`: what people and `kubectl wait` read.
 *
 * V1  Pure: equal states give equal statuses, whoever projects.
 * V2  Its size is bounded whatever steps put out (D24): long texts give way to their beginnings.
 */
import type { ArkRunStatus, StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import type { TokenUsage } from "#core/api/v1alpha1/common.ts";
import { attemptId, type Usage } from "#core/events/facts.ts";
import { previewOf, type Text } from "#core/events/text.ts";
import { conditionsOf } from "./conditions.ts";
import { totalUsage, usageOf } from "./draft.ts";
import type { Graph, PlannedStep } from "./graph.ts";
import { textFor } from "./policies.ts";
import type { RunState, StepState } from "./state.ts";
import { stepMessage, stepPhase } from "./step-words.ts";
import { fitTexts } from "./status-size.ts";

export function project(graph: Graph, state: RunState): ArkRunStatus {
  const { generation, phase, parent } = state;
  const steps = fitTexts(graph.steps.flatMap((step) => stepStatus(step, graph, state)));
  const traceID = state.traceparent?.split("-")[1];
  const children = graph.steps.flatMap(({ name }) => {
    const child = state.steps[name]?.child;
    return child === undefined ? [] : [{ name: child, step: name }];
  });
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    phase: PHASES[phase.kind],
    conditions: conditionsOf(graph, state),
    steps,
    ...(phase.kind === "succeeded" && shownText(phase.output)),
    startTime: timeOf(state.startedAt),
    ...(phase.kind !== "running" && { completionTime: timeOf(phase.endedAt) }),
    totalTokenUsage: tokens(totalUsage(state.steps)),
    ...(traceID !== undefined && { traceID }),
    ...(children.length > 0 && { children }),
    ...(parent !== undefined && { parent: { name: parent.run, step: parent.step } }),
  };
}

const PHASES = { running: "Running", succeeded: "Succeeded", failed: "Failed" } as const;

function stepStatus(planned: PlannedStep, graph: Graph, { uid, steps }: RunState): StepStatus[] {
  const step = steps[planned.name];
  if (step === undefined) return [];
  const message = stepMessage(planned, step);
  return [
    {
      name: planned.name,
      phase: stepPhase(step),
      ...attemptFields(uid, planned.name, step),
      ...resultFields(planned, graph, step),
      ...(step.startedAt !== undefined && { startTime: timeOf(step.startedAt) }),
      ...("endedAt" in step && { completionTime: timeOf(step.endedAt) }),
      ...(message !== undefined && { message }),
      ...(step.phase === "failed" && { errorCode: step.code }),
      ...(step.iterations > 0 && { iterations: step.iterations, tokenUsage: tokens(usageOf(step)) }),
      ...(step.validationAttempts > 0 && { validationAttempts: step.validationAttempts }),
      ...(step.validationMessage !== undefined && { validationMessage: step.validationMessage }),
    },
  ];
}

/** Tries of the newest iteration, and the message id of the newest task. */
function attemptFields(uid: string, step: string, state: StepState): Pick<StepStatus, "attempts" | "taskID"> {
  const attempts = attemptsOf(state);
  if (attempts === 0) return {};
  return { attempts, taskID: attemptId(uid, { step, iteration: state.iterations - 1, attempt: attempts - 1 }) };
}

function attemptsOf(state: StepState): number {
  if (state.phase === "active") return state.attempt.attempt + 1;
  if (state.phase === "backoff") return state.next.attempt;
  return state.phase === "succeeded" || state.phase === "failed" ? state.attempts : 0;
}

/** `output` is what readers of the step get (api 4: `rawOutputRef` where a contextPolicy changed it). */
function resultFields(planned: PlannedStep, graph: Graph, { result }: StepState): Partial<StepStatus> {
  if (result === undefined) return {};
  const shown = textFor("run-output", planned, result, "output", graph) ?? result.output;
  const changed = shown !== result.output && "ref" in result.output;
  return {
    ...shownText(shown),
    ...(changed && { rawOutputRef: refOf(result.output) }),
    ...(result.json !== undefined && "inline" in result.json && { outputJSON: result.json.inline }),
  };
}

function shownText(text: Text): Pick<StepStatus, "output" | "outputRef"> {
  return { output: previewOf(text), ...("ref" in text && { outputRef: refOf(text) }) };
}

function refOf(text: Extract<Text, { ref: unknown }>): { digest: string; bytes: number } {
  return { digest: text.ref.digest, bytes: text.ref.bytes };
}

function tokens({ inputTokens, outputTokens }: Usage): TokenUsage {
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
