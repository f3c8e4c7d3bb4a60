/** A run told from beginning to end, for `ark status RUN` and after a run; and its machine form. Pure. */
import { lastLine, progressChanges, type ProgressOptions } from "./progress.ts";
import { durationOf, isEnded, type RunView } from "./run-view.ts";
import { oneLine, printable } from "./style.ts";
import { elapsed } from "./time.ts";

/** The JSON of api 14. */
export type RunReport = {
  readonly status: string;
  readonly runName: string;
  readonly durationMs: number;
  readonly totalTokens: number;
  readonly output: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly steps: readonly {
    readonly name: string;
    readonly status: string;
    readonly tokens: number;
    readonly output: string;
    readonly message: string;
  }[];
};

export function runReport(run: RunView, now: number): RunReport {
  return {
    status: run.phase.toLowerCase(),
    runName: run.name,
    durationMs: durationOf(run, now),
    totalTokens: run.tokens,
    output: run.output ?? "",
    ...(run.phase === "Failed" ? { error: { code: run.reason ?? "Failed", message: run.message ?? "" } } : {}),
    steps: run.steps.map((step) => ({
      name: step.name,
      status: step.phase.toLowerCase(),
      tokens: step.tokens,
      output: step.output ?? "",
      message: step.message ?? "",
    })),
  };
}

/** Head, steps, outcome and output of one run. */
export function runStory(run: RunView, options: ProgressOptions): string {
  const { style } = options;
  const lines = [`${style.bold(run.name)}  ${run.of}  ${run.phase}`, ""];
  lines.push(...progressChanges(undefined, { ...run, phase: "Running" }, options).map((line) => `  ${line}`));
  const waiting = run.steps.filter((step) => step.phase === "Pending").map((step) => step.name);
  if (waiting.length > 0) lines.push(style.dim(`  not started: ${waiting.join(", ")}`));
  lines.push("");
  lines.push(
    isEnded(run)
      ? lastLine(run, options)
      : `Run ${run.phase} for ${elapsed(durationOf(run, options.now))}, so far: ${run.tokens} tokens` +
          (run.message === undefined || run.message === "" ? "" : `: ${oneLine(run.message)}`),
  );
  if (run.output !== undefined && run.output !== "") lines.push("", printable(run.output));
  return `${lines.join("\n")}\n`;
}
