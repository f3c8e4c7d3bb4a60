/** A run as the HTTP API shows it (api 13), from its folded state. */
import { previewOf, type Text } from "#core/events/text.ts";
import type { RunState, StepState } from "#core/pipeline/state.ts";
import type { WebhookDeps } from "./deps.ts";

export type TokenUsage = { readonly inputTokens: number; readonly outputTokens: number; readonly totalTokens: number };

/** One run of a sync answer. */
export type RunAnswer = {
  readonly status: "succeeded" | "failed";
  readonly output?: string;
  readonly error?: RunError;
  readonly durationMs: number;
  readonly runName: string;
  readonly tokenUsage: TokenUsage;
};
export type RunError = { readonly code: string; readonly message: string; readonly step?: string };

/** Undefined while the run goes on. */
export async function runAnswer(state: RunState, deps: Pick<WebhookDeps, "outputs">): Promise<RunAnswer | undefined> {
  const { phase, run: runName } = state;
  if (phase.kind === "running") return undefined;
  const common = { durationMs: phase.endedAt - state.startedAt, runName, tokenUsage: usageOf(state) };
  return phase.kind === "succeeded"
    ? { status: "succeeded", output: await deps.outputs.load(phase.output), ...common }
    : { status: "failed", error: errorOf(state, phase), ...common };
}

type Failed = Extract<RunState["phase"], { kind: "failed" }>;

/** The failed step's own code says more than the run's reason. */
function errorOf(state: RunState, phase: Failed): RunError {
  for (const [step, { ...at }] of Object.entries(state.steps)) {
    if (at.phase === "failed" && phase.reason !== "Cancelled" && phase.reason !== "TimedOut") {
      return { code: at.code, message: at.message, step };
    }
  }
  return { code: phase.reason, message: phase.message };
}

/** `GET /runs/{namespace}/{run}`. Undefined: announced, and not begun yet. */
export async function runView(
  run: string,
  state: RunState | undefined,
  deps: Pick<WebhookDeps, "outputs">,
): Promise<Record<string, unknown>> {
  if (state === undefined) return { runName: run, phase: "Pending", steps: [] };
  const answer = await runAnswer(state, deps);
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

function usageOf(state: RunState): TokenUsage {
  let inputTokens = 0;
  let outputTokens = 0;
  for (const step of Object.values(state.steps)) {
    const turns = step.phase === "active" ? Object.values(step.attempt.turns) : [];
    for (const usage of [step.usage, ...turns]) {
      inputTokens += usage.inputTokens;
      outputTokens += usage.outputTokens;
    }
  }
  return totals(inputTokens, outputTokens);
}

export function totals(inputTokens: number, outputTokens: number): TokenUsage {
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
