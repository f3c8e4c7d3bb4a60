/** Progress of a run (api 14): one line per step while it goes, one line when it has ended. Pure. */
import { durationOf, isEnded, type RunView, type StepView } from "./run-view.ts";
import { oneLine, padEnd, truncate, width, type Style } from "./style.ts";
import { elapsed } from "./time.ts";

export type ProgressOptions = { readonly now: number; readonly columns: number; readonly style: Style };

/** The least that is left to say how a step goes. */
const STATE_COLUMNS = 10;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Text after the step's name, uncoloured; undefined before there is anything to say. */
function stateText(step: StepView, now: number): string | undefined {
  switch (step.phase) {
    case "Pending":
      return undefined;
    case "Succeeded":
      return `[done]  ${step.tokens} tokens  ${elapsed(durationOf(step, now))}${again(step)}`;
    case "Skipped":
      return "[skipped]";
    case "Cancelled":
      return "[cancelled]";
    case "Failed":
      return `[failed] ${oneLine(step.message ?? "no reason was recorded")}`;
    case "Waiting":
      return `[waiting] ${oneLine(step.message ?? "")}`.trimEnd();
    default:
      return "[running]";
  }
}

function again(step: StepView): string {
  const parts = [
    (step.attempts ?? 1) > 1 ? `${step.attempts} attempts` : "",
    (step.iterations ?? 1) > 1 ? `${step.iterations} iterations` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `  (${parts.join(", ")})`;
}

function paint(step: StepView, text: string, style: Style): string {
  switch (step.phase) {
    case "Succeeded":
      return style.green(text);
    case "Failed":
      return style.red(text);
    case "Skipped":
    case "Cancelled":
      return style.dim(text);
    case "Waiting":
      return style.yellow(text);
    default:
      return style.cyan(text);
  }
}

function stepLine(step: StepView, nameWidth: number, options: ProgressOptions): string {
  const name = padEnd(truncate(step.name, nameWidth), nameWidth);
  const state = stateText(step, options.now);
  if (state === undefined) return options.style.dim(truncate(`${name}  [pending]`, options.columns));
  const room = Math.max(STATE_COLUMNS, options.columns - nameWidth - 2);
  return `${name}  ${paint(step, truncate(state, room), options.style)}`;
}

function nameWidthOf(run: RunView): number {
  return Math.max(0, ...run.steps.map((step) => width(step.name)));
}

/**
 * The block that a terminal repaints: every step, and while the run goes on a line with a moving mark. Until the run has
 * ended it is shorter than the terminal: where there are more steps, those that go now are shown.
 */
export function progressBlock(
  run: RunView,
  frame: number,
  options: ProgressOptions & { readonly rows: number },
): readonly string[] {
  const { columns, rows, style } = options;
  const nameWidth = Math.max(1, Math.min(nameWidthOf(run), columns - STATE_COLUMNS - 2));
  const lineOf = (step: StepView) => stepLine(step, nameWidth, options);
  if (isEnded(run)) return [...run.steps.map(lineOf), lastLine(run, options)];
  // Two lines are the mark's and the cursor's own.
  const room = Math.max(1, rows - 2);
  const mark = FRAMES[frame % FRAMES.length] ?? "";
  const running = style.dim(truncate(`${mark} ${run.name}  ${elapsed(durationOf(run, options.now))}`, columns));
  if (run.steps.length <= room) return [...run.steps.map(lineOf), running];
  const shown = run.steps.filter(isGoing).slice(0, room - 1);
  const others = truncate(`and ${run.steps.length - shown.length} other steps`, columns);
  return [...shown.map(lineOf), style.dim(others), running];
}

function isGoing({ phase }: StepView): boolean {
  return !["Pending", "Succeeded", "Skipped", "Cancelled"].includes(phase);
}

/** Lines for a pipe or a log: each step once per phase that `before` did not show yet. */
export function progressChanges(
  before: RunView | undefined,
  run: RunView,
  options: ProgressOptions,
): readonly string[] {
  const known = new Map(before?.steps.map((step) => [step.name, step]));
  const wide = { ...options, columns: Number.POSITIVE_INFINITY };
  const lines = run.steps
    .filter((step) => {
      const text = stateText(step, 0);
      const old = known.get(step.name);
      return text !== undefined && text !== (old === undefined ? undefined : stateText(old, 0));
    })
    .map((step) => stepLine(step, nameWidthOf(run), wide));
  const ended = isEnded(run) && (before === undefined || !isEnded(before));
  return ended ? [...lines, lastLine(run, wide)] : lines;
}

/** `Run Succeeded in 6.3s, total: 2466 tokens`; a failed one says why. */
export function lastLine(run: RunView, options: ProgressOptions): string {
  const spent = `in ${elapsed(durationOf(run, options.now))}, total: ${run.tokens} tokens`;
  if (run.phase === "Succeeded") return options.style.green(`Run Succeeded ${spent}`);
  const why = [run.reason, run.message].filter((part) => part !== undefined && part !== "").join(": ");
  const text = oneLine(`Run ${run.phase} ${spent}${why === "" ? "" : `: ${why}`}`);
  return options.style.red(truncate(text, options.columns));
}
