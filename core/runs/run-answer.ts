/** How a run ended, as the HTTP APIs say it (api 5, 13), from its folded state. */
import type { RunState } from "#core/pipeline/state.ts";
import type { Outputs } from "#core/ports/record.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";

export type TokenUsage = { readonly inputTokens: number; readonly outputTokens: number; readonly totalTokens: number };
export type RunError = { readonly code: string; readonly message: string; readonly step?: string };

export type RunAnswer = {
  readonly status: "succeeded" | "failed";
  readonly output?: string;
  readonly error?: RunError;
  readonly durationMs: number;
  readonly runName: string;
  readonly tokenUsage: TokenUsage;
};

/** Undefined while the run goes on. A run that succeeded, and whose output is lost since, has an error in its place. */
export async function runAnswer(state: RunState, outputs: Pick<Outputs, "load">): Promise<RunAnswer | undefined> {
  const { phase, run: runName } = state;
  if (phase.kind === "running") return undefined;
  const common = { durationMs: phase.endedAt - state.startedAt, runName, tokenUsage: usageOf(state) };
  return phase.kind === "succeeded"
    ? { status: "succeeded", ...(await outputOf(state, phase, outputs)), ...common }
    : { status: "failed", error: errorOf(state, phase), ...common };
}

function outputOf(
  state: RunState,
  { output }: Extract<RunState["phase"], { kind: "succeeded" }>,
  outputs: Pick<Outputs, "load">,
): Promise<Pick<RunAnswer, "output" | "error">> {
  return unlessLost<Pick<RunAnswer, "output" | "error">>(
    async () => ({ output: await outputs.load(state, output) }),
    (message) => ({ error: { code: "output.lost", message } }),
  );
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

export function usageOf(state: RunState): TokenUsage {
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
