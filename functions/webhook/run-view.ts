/** A run as the HTTP API shows it (api 13), from its folded state. */
import { previewOf, type Text } from "#core/events/text.ts";
import type { RunState, StepState } from "#core/pipeline/state.ts";
import { runAnswer, totals, usageOf } from "#core/runs/run-answer.ts";
import type { WebhookDeps } from "./deps.ts";

/** `GET /runs/{namespace}/{run}`. Undefined: announced, and not begun yet. */
export async function runView(
  run: string,
  state: RunState | undefined,
  deps: Pick<WebhookDeps, "outputs">,
): Promise<Record<string, unknown>> {
  if (state === undefined) return { runName: run, phase: "Pending", steps: [] };
  const answer = await runAnswer(state, deps.outputs);
  return {
    runName: run,
    namespace: state.namespace,
    ...(state.spec.teamRef === undefined ? {} : { team: state.spec.teamRef }),
    ...(state.spec.agent === undefined ? {} : { agent: state.spec.agent }),
    phase: PHASES[state.phase.kind],
    startTime: iso(state.startedAt),
    ...(state.phase.kind === "running" ? {} : { completionTime: iso(state.phase.endedAt) }),
    ...(answer?.output === undefined ? {} : { output: answer.output }),
    ...(answer?.error === undefined ? {} : { error: answer.error }),
    tokenUsage: usageOf(state),
    steps: Object.entries(state.steps).map(([name, step]) => stepView(name, step)),
  };
}

const PHASES = { running: "Running", succeeded: "Succeeded", failed: "Failed" } as const;
const STEP_PHASES = {
  pending: "Pending",
  active: "Running",
  backoff: "Waiting",
  succeeded: "Succeeded",
  failed: "Failed",
  skipped: "Skipped",
  cancelled: "Cancelled",
} as const;

function stepView(name: string, step: StepState): Record<string, unknown> {
  return {
    name,
    phase: STEP_PHASES[step.phase],
    ...(step.result === undefined ? {} : textView(step.result.output)),
    ...("message" in step ? { message: step.message } : {}),
    ...("code" in step ? { errorCode: step.code } : {}),
    ...(step.startedAt === undefined ? {} : { startTime: iso(step.startedAt) }),
    ...("endedAt" in step ? { completionTime: iso(step.endedAt) } : {}),
    tokenUsage: totals(step.usage.inputTokens, step.usage.outputTokens),
  };
}

/** Long outputs of steps stay where they are: their beginning, and the reference. */
export function textView(text: Text): Record<string, unknown> {
  return {
    output: previewOf(text),
    ...("ref" in text ? { outputRef: { digest: text.ref.digest, bytes: text.ref.bytes } } : {}),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
