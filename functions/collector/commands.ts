/**
 * Carries out what the engine decided.
 *
 * C1  Every effect has a deterministic id or is idempotent by nature: carrying a command out twice is harmless, so it
 *     is done before the state says so, and a crash between the two costs nothing (D6, E2).
 * C2  Commands of one decision are independent of one another: they go out together.
 */
import { neededOutputs } from "#core/pipeline/needs.ts";
import { project } from "#core/pipeline/project.ts";
import type { Fact } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Command, RunState } from "#core/pipeline/state.ts";
import type { Graph } from "#core/pipeline/graph.ts";
import type { Outputs } from "#core/pipeline/render.ts";
import type { Home, RunRef } from "#core/ports/record.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";
import type { CollectorPorts } from "./deps.ts";
import { budgetsOf, childOutcome, childRequest, runEvent, totalUsage } from "./run-events.ts";
import { underOwnSpan } from "./trace.ts";

type Of<K extends Command["kind"]> = Extract<Command, { kind: K }>;

/** What a command that is not a task leaves in `issued`: it has no sequence to be taken back by. */
const NO_SEQ = 0;

/** Resolves with the sequence of a stored task, else 0. Rejects with `StoreUnavailable` only. */
export async function carryOut(
  graph: Graph,
  folded: RunState,
  command: Command,
  ports: CollectorPorts,
): Promise<number> {
  const state = underOwnSpan(folded, ports.spans);
  switch (command.kind) {
    case "task":
      return publishTask(state, command, ports);
    case "child":
      await ports.outbox.publish(childRequest(state, command), state.uid);
      return NO_SEQ;
    case "give-up":
      return giveUp(state, command, ports);
    case "set-timer":
      await ports.timers.set(state, command.timer, command.at);
      return NO_SEQ;
    case "clear-timer":
      await ports.timers.clear(state, command.timer);
      return NO_SEQ;
    case "cancel-task":
      await ports.leases.revoke(state, command.key);
      await ports.tasks.remove(command.taskSeq);
      return NO_SEQ;
    case "cancel-child":
      return cancelChild(state, command, ports);
    case "report":
      return reportToParent(state, command, ports);
    default:
      return tell(graph, state, command, ports);
  }
}

async function tell(
  graph: Graph,
  state: RunState,
  command: Of<"store-output" | "emit">,
  ports: CollectorPorts,
): Promise<number> {
  if (command.kind === "store-output") await ports.outputs.store(state, command.text);
  else await ports.outbox.publish(runEvent(state, command, project(graph, state)), state.uid);
  return NO_SEQ;
}

async function publishTask(state: RunState, command: Of<"task">, ports: CollectorPorts): Promise<number> {
  const { prompt, ...draft } = command.task;
  const task: Task = {
    ...command.key,
    ...draft,
    namespace: state.namespace,
    run: state.run,
    uid: state.uid,
    agent: command.agent,
    prompt: await ports.outputs.store(state, prompt),
    budgets: budgetsOf(state),
    ...preferOf(state, command),
    ...(state.traceparent === undefined ? {} : { traceparent: state.traceparent }),
  };
  const { seq } = await ports.tasks.publish(task);
  ports.wakes.hint({ namespace: state.namespace, agent: command.agent });
  return seq;
}

/** P4: what was there when the attempt was planned may be lost at a later one. */
async function giveUp(state: RunState, { key, failure }: Of<"give-up">, ports: CollectorPorts): Promise<number> {
  const { code, message } = failure;
  await ports.facts.publish(state, {
    kind: "step.finished",
    at: ports.now(),
    ...key,
    outcome: { kind: "failed", code, message, mayPass: false },
  });
  return NO_SEQ;
}

/** A first attempt alone: where it failed, another instance may do better. */
function preferOf({ via }: RunState, { key }: Of<"task">): Pick<Task, "prefer"> {
  if (via?.instance === undefined || key.iteration > 0 || key.attempt > 0) return {};
  return { prefer: via.instance };
}

/**
 * The child may not exist yet: then its uid is unknown here, and the fact waits for it under an id that only this
 * parent can have given (`isCancelByParent`).
 */
async function cancelChild(state: RunState, command: Of<"cancel-child">, ports: CollectorPorts): Promise<number> {
  const child: RunRef = { namespace: state.namespace, run: command.run, uid: cancelByParent(state.uid, command.run) };
  await ports.facts.publish(child, {
    kind: "run.cancel",
    at: ports.now(),
    message: `run ${state.run}, which started this one, has ended`,
  });
  return NO_SEQ;
}

function cancelByParent(parentUid: string, run: string): string {
  return `child-of:${parentUid}:${run}`;
}

/** Whether a fact with this uid is a cancel that `state`'s own parent sent. */
export function isCancelByParent(uid: string, state: RunState): boolean {
  return state.parent !== undefined && uid === cancelByParent(state.parent.uid, state.run);
}

async function reportToParent(state: RunState, { parent }: Of<"report">, ports: CollectorPorts): Promise<number> {
  const outcome = childOutcome(state);
  if (outcome === undefined || state.phase.kind === "running") return NO_SEQ;
  const { step, iteration, attempt } = parent;
  await ports.facts.publish(parent, {
    kind: "step.finished",
    at: state.phase.endedAt,
    step,
    iteration,
    attempt,
    outcome,
    usage: totalUsage(state),
    child: state.run,
  });
  return NO_SEQ;
}

/** Texts by digest that the engine wants to see before it folds `fact` or decides; undefined for one that is lost. */
export async function loadOutputs(
  of: Home,
  graph: Graph,
  state: RunState | undefined,
  ports: CollectorPorts,
  fact?: Fact,
): Promise<Outputs> {
  const loaded = new Map<string, string | undefined>();
  const wanted = neededOutputs(graph, state, fact);
  await Promise.all(
    wanted.map(async (text) => {
      if (!("ref" in text)) return;
      const load = () => ports.outputs.load(of, text);
      loaded.set(text.ref.digest, await unlessLost<string | undefined>(load, () => undefined));
    }),
  );
  return loaded;
}
