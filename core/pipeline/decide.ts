/**
 * Looks at a state and says what is to be done that was not done yet. It changes nothing.
 *
 * C1  Ids are deterministic: the same state gives the same commands, so that a repeat is harmless (D6).
 * C2  What went out and is no longer wanted is taken back: tasks, nested runs, timers (E7).
 * C3  An ended run schedules nothing. It takes back, stores its output, and tells of its end once each.
 *
 * A safety timer guards attempts of steps with a `timeoutSeconds`. Other attempts have the agent's own limit, which is
 * not known here; a task whose executors vanish is dead-lettered by the queue, and fails its step that way.
 */
import { attemptId, type AttemptKey } from "#core/events/facts.ts";
import { childRunName } from "./chance.ts";
import type { Graph, PlannedStep } from "./graph.ts";
import { type NotRendered, promptOf, renderInputs, type Outputs, type View } from "./render.ts";
import { renderedOutput } from "./run-output.ts";
import type { Attempt, Command, RunState } from "./state.ts";
import { RUN_TIMEOUT, stepTimer, timerId } from "./timers.ts";

/** An executor's own end of an attempt, and one redelivery after a crash, come well before this. */
const SAFETY_MS = 120_000;

/** `now`: a timer that is due already is set for now, never for the past. */
export function decide(graph: Graph, state: RunState, now: number, outputs: Outputs): readonly Command[] {
  const view = { graph, state, outputs };
  const timers = wantedTimers(graph, state);
  return [
    ...storeOutput(view),
    ...work(view),
    ...setTimers(state, timers, now),
    ...takeBack(graph, state, timers),
    ...tell(state),
  ];
}

/** Notes a command that was carried out. Taking something back also forgets that it went out. */
export function issued(state: RunState, id: string, seq: number): RunState {
  const target = takenBack(state.uid, id);
  if (target === undefined) return { ...state, issued: { ...state.issued, [id]: seq } };
  const { [target]: _gone, ...rest } = state.issued;
  return { ...state, issued: rest };
}

const CANCEL = "/cancel";
const CLEAR = "/clear/";

function takenBack(uid: string, id: string): string | undefined {
  if (id.startsWith(uid + CLEAR)) return timerId(uid, id.slice(uid.length + CLEAR.length));
  return id.endsWith(CANCEL) ? id.slice(0, -CANCEL.length) : undefined;
}

function* storeOutput(view: View): Generator<Command> {
  const { state, graph } = view;
  const id = `${state.uid}/output`;
  if (state.phase.kind !== "succeeded" || Object.hasOwn(state.issued, id)) return;
  const { output } = state.phase;
  if (graph.output.kind === "step" || !("ref" in output)) return;
  const rendered = renderedOutput(view);
  if (rendered.kind === "rendered") yield { kind: "store-output", id, digest: output.ref.digest, text: rendered.text };
}

function* work(view: View): Generator<Command> {
  const { graph, state } = view;
  for (const step of graph.steps) {
    const current = state.steps[step.name];
    if (current?.phase !== "active") continue;
    const key = keyOf(step.name, current.attempt);
    const id = attemptId(state.uid, key);
    if (!Object.hasOwn(state.issued, id)) yield workCommand(step, current.attempt, key, id, view);
  }
}

function keyOf(step: string, { iteration, attempt }: Attempt): AttemptKey {
  return { step, iteration, attempt };
}

function workCommand(step: PlannedStep, attempt: Attempt, key: AttemptKey, id: string, view: View): Command {
  const { target } = step;
  const inputs = renderInputs(step, view, target.kind === "team" ? "child" : "prompt");
  if (inputs.kind === "failed") return giveUp(step, key, id, inputs);
  if (target.kind === "team") {
    const { team } = target;
    return { kind: "child", id, key, team, run: childRunName(team, id), input: Object.fromEntries(inputs.fields) };
  }
  const task = {
    prompt: promptOf(step, inputs.fields),
    ...(step.timeoutMs !== undefined && { timeoutMs: step.timeoutMs }),
    ...(step.outputSchema !== undefined && { outputSchema: step.outputSchema }),
    ...(step.validate !== undefined && { validate: step.validate }),
    ...(step.appliedPolicy !== undefined && { contextPolicy: step.appliedPolicy }),
    ...(attempt.earlier !== undefined && { earlier: attempt.earlier }),
  };
  return { kind: "task", id, key, agent: target.agent, task };
}

/** The fold rendered these very templates over this very data before it started the attempt: only texts may be gone. */
function giveUp(step: PlannedStep, key: AttemptKey, id: string, failure: NotRendered): Command {
  const { code, message } = failure;
  if (code !== "output.lost") throw new Error(`step ${step.name}: ${message}`);
  return { kind: "give-up", id, key, failure: { code, message } };
}

type Timers = ReadonlyMap<string, number>;

function wantedTimers(graph: Graph, state: RunState): Timers {
  const timers = new Map<string, number>();
  if (state.phase.kind !== "running") return timers;
  const { timeoutSeconds = 0 } = state.spec;
  if (timeoutSeconds > 0) timers.set(RUN_TIMEOUT, state.startedAt + timeoutSeconds * 1000);
  for (const step of graph.steps) addStepTimers(step, state, timers);
  return timers;
}

function addStepTimers(step: PlannedStep, state: RunState, timers: Map<string, number>): void {
  const current = state.steps[step.name];
  if (current?.phase === "backoff") timers.set(stepTimer("retry", keyOf(step.name, current.next)), current.until);
  if (current?.phase !== "active" || step.timeoutMs === undefined) return;
  const name = stepTimer("attempt", keyOf(step.name, current.attempt));
  const { takenAt, queuedAt } = current.attempt;
  // Nobody else measures a nested run; a task waits for its agent as long as the run may last (D12).
  if (step.target.kind === "team") timers.set(name, queuedAt + step.timeoutMs);
  else if (takenAt !== undefined) timers.set(name, takenAt + step.timeoutMs + SAFETY_MS);
}

function* setTimers({ uid, issued }: RunState, timers: Timers, now: number): Generator<Command> {
  for (const [timer, at] of timers) {
    const id = timerId(uid, timer);
    if (!Object.hasOwn(issued, id)) yield { kind: "set-timer", id, timer, at: Math.max(at, now) };
  }
}

function* takeBack(graph: Graph, state: RunState, timers: Timers): Generator<Command> {
  const prefix = `${state.uid}/`;
  for (const [id, seq] of Object.entries(state.issued)) {
    const [first = "", second = "", third] = id.slice(prefix.length).split("/");
    if (first === "timer" && third === undefined) {
      if (!timers.has(second)) yield { kind: "clear-timer", id: `${state.uid}${CLEAR}${second}`, timer: second };
    } else if (third !== undefined) {
      const key = { step: first, iteration: Number(second), attempt: Number(third) };
      yield* takeBackAttempt(graph, state, key, id, seq);
    }
  }
}

function* takeBackAttempt(
  graph: Graph,
  state: RunState,
  key: AttemptKey,
  attempt: string,
  taskSeq: number,
): Generator<Command> {
  const current = state.steps[key.step];
  const target = graph.byName.get(key.step)?.target;
  if (target === undefined) return;
  if (current?.phase === "active" && attemptId(state.uid, keyOf(key.step, current.attempt)) === attempt) return;
  const id = attempt + CANCEL;
  if (target.kind === "team") yield { kind: "cancel-child", id, run: childRunName(target.team, attempt) };
  else yield { kind: "cancel-task", id, key, agent: target.agent, taskSeq };
}

function* tell(state: RunState): Generator<Command> {
  const { uid, phase, parent } = state;
  const word = { running: "started", succeeded: "succeeded", failed: "failed" } as const;
  const type = `dev.ark.run.${word[phase.kind]}` as const;
  const id = `${uid}/emit/${type}`;
  if (!Object.hasOwn(state.issued, id)) yield { kind: "emit", id, type };
  yield* tellWaits(state);
  if (parent === undefined || phase.kind === "running" || Object.hasOwn(state.issued, `${uid}/report`)) return;
  yield { kind: "report", id: `${uid}/report`, parent };
}

/** Once for each retry that is waited for, when nothing else goes on meanwhile. */
function* tellWaits({ uid, phase, steps, issued }: RunState): Generator<Command> {
  const open = Object.entries(steps);
  if (phase.kind !== "running" || open.some(([, step]) => step.phase === "active")) return;
  for (const [name, step] of open) {
    if (step.phase !== "backoff") continue;
    const { iteration, attempt } = step.next;
    const type = "dev.ark.run.waiting";
    const id = `${uid}/emit/${type}.${name}.${iteration}.${attempt}`;
    if (!Object.hasOwn(issued, id)) yield { kind: "emit", id, type };
  }
}
