/**
 * Moves a run on after something ended: starts what is ready, skips what its `if` refuses, ends the run.
 *
 * A1  A step starts the moment its last dependency ends, whatever order facts came in: times derive from ends, not from
 *     the fold.
 * A2  `if` false is Skipped, which satisfies dependents; an error in a template fails its step (D17).
 */
import { isTruthyText } from "#core/template/truth.ts";
import { attemptId } from "#core/events/facts.ts";
import { childRunName } from "./chance.ts";
import { draftOf, endRun, finished, short, type Draft } from "./draft.ts";
import type { Graph, PlannedStep } from "./graph.ts";
import { render, renderInputs, type Outputs, type View } from "./render.ts";
import { runOutput } from "./run-output.ts";
import type { RunState, StepState } from "./state.ts";

export type StepFailure = { readonly code: string; readonly message: string };

/** Runs nested deeper than this are refused; the API's default for `maxDepth` is 3, its largest value 20. */
const MAX_DEPTH = 20;

/** Applies `change` to a draft of `state` and moves the run as far as it goes by itself. */
export function advanced(graph: Graph, state: RunState, outputs: Outputs, change: (draft: Draft) => void): RunState {
  const draft = draftOf(state);
  change(draft);
  if (draft.phase.kind === "running") startReady(graph, draft, outputs);
  if (draft.phase.kind === "running") succeedRun(graph, draft, outputs);
  return finished(draft);
}

/** Dependencies stand first in `order`, so one pass carries a skip all the way down. */
function startReady(graph: Graph, draft: Draft, outputs: Outputs): void {
  for (const step of graph.order) {
    if (draft.phase.kind !== "running") return;
    const state = draft.steps[step.name];
    if (state?.phase !== "pending") continue;
    const at = readyAt(step, draft);
    if (at !== undefined) startStep(step, state, at, draft, { graph, state: finished(draft), outputs });
  }
}

/** When the last dependency ended; undefined while one has not. */
function readyAt(step: PlannedStep, { steps, before }: Draft): number | undefined {
  let at = before.startedAt;
  for (const name of step.dependsOn) {
    const dependency = steps[name];
    if (dependency?.phase !== "succeeded" && dependency?.phase !== "skipped") return undefined;
    at = Math.max(at, dependency.endedAt);
  }
  return at;
}

function startStep(step: PlannedStep, state: StepState, at: number, draft: Draft, view: View): void {
  if (step.condition !== undefined) {
    const rendered = render(step.condition, step, view);
    if (rendered.kind === "failed") return failStep(step, rendered, at, draft);
    if (!isTruthyText(rendered.text)) {
      draft.steps[step.name] = { ...totalsOf(state), phase: "skipped", endedAt: at, message: "if is false" };
      return;
    }
  }
  runIteration(step, 0, at, draft, view);
}

/** Starts iteration 0 or the next one, unless something forbids it: then the step fails. */
export function runIteration(step: PlannedStep, iteration: number, at: number, draft: Draft, view: View): void {
  const forbidden = whatForbids(step, draft, view);
  if (forbidden !== undefined) return failStep(step, forbidden, at, draft);
  const totals = totalsOf(draft.steps[step.name]);
  const id = attemptId(draft.before.uid, { step: step.name, iteration, attempt: 0 });
  draft.steps[step.name] = {
    ...totals,
    startedAt: totals.startedAt ?? at,
    iterations: iteration + 1,
    ...(step.target.kind === "team" && { child: childRunName(step.target.team, id) }),
    phase: "active",
    attempt: { iteration, attempt: 0, refusals: 0, queuedAt: at, turns: {} },
  };
}

function whatForbids(step: PlannedStep, draft: Draft, view: View): StepFailure | undefined {
  const { maxTokens = 0 } = draft.before.spec;
  const spent = spentBefore(step, draft);
  if (maxTokens > 0 && spent >= maxTokens)
    return { code: "budget.exceeded", message: `the run's maxTokens ${maxTokens} is used up (${spent} so far)` };
  if (step.target.kind === "team" && draft.before.depth >= MAX_DEPTH)
    return { code: "run.too_deep", message: `teams are nested more than ${MAX_DEPTH} deep` };
  const rendered = renderInputs(step, view, step.target.kind === "team" ? "child" : "prompt");
  return rendered.kind === "failed" ? rendered : undefined;
}

/**
 * Tokens of the step itself and of all that had to end before it. What runs beside it is left to the reservation of
 * each call (P6): counting it here would make the run's end depend on which fact came first.
 */
function spentBefore({ name, ancestors }: PlannedStep, { steps }: Draft): number {
  let spent = 0;
  for (const each of [name, ...ancestors]) {
    const usage = steps[each]?.usage;
    if (usage !== undefined) spent += usage.inputTokens + usage.outputTokens;
  }
  return spent;
}

/** What a step keeps when it changes phase. */
export function totalsOf(step: StepState | undefined): Omit<Extract<StepState, { phase: "pending" }>, "phase"> {
  if (step === undefined) return { usage: { inputTokens: 0, outputTokens: 0 }, iterations: 0, validationAttempts: 0 };
  const { usage, iterations, validationAttempts, validationMessage, startedAt, result, child } = step;
  return {
    usage,
    iterations,
    validationAttempts,
    ...(validationMessage !== undefined && { validationMessage }),
    ...(startedAt !== undefined && { startedAt }),
    ...(result !== undefined && { result }),
    ...(child !== undefined && { child }),
  };
}

/** The first failed step fails the run. */
export function failStep(step: PlannedStep, { code, message }: StepFailure, at: number, draft: Draft): void {
  const state = draft.steps[step.name];
  const attempts = state?.phase === "active" ? state.attempt.attempt + 1 : 0;
  draft.steps[step.name] = {
    ...totalsOf(state),
    phase: "failed",
    attempts,
    endedAt: at,
    code,
    message: short(message),
  };
  const ofAgent = draft.before.spec.agent !== undefined;
  if (code === "budget.exceeded") return endRun(draft, "BudgetExceeded", `step ${step.name}: ${message}`, at);
  endRun(draft, ofAgent ? "AgentFailed" : "StepFailed", `step ${step.name}: ${message}`, at);
}

function succeedRun(graph: Graph, draft: Draft, outputs: Outputs): void {
  let endedAt = draft.before.startedAt;
  for (const step of Object.values(draft.steps)) {
    if (step.phase !== "succeeded" && step.phase !== "skipped") return;
    endedAt = Math.max(endedAt, step.endedAt);
  }
  const output = runOutput({ graph, state: finished(draft), outputs });
  if (output.kind === "failed") endRun(draft, "OutputError", output.message, endedAt);
  else draft.phase = { kind: "succeeded", endedAt, output: output.output };
}
