/** A run's first state. Bad input ends it here, before any model is asked (E4). */
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { RunRequested, StepResult } from "#core/events/facts.ts";
import { advanced } from "./advance.ts";
import { endRun, NO_USAGE } from "./draft.ts";
import type { Graph, PlanFault } from "./graph.ts";
import { inputFaults } from "./inputs.ts";
import type { Outputs } from "./render.ts";
import type { RunFailure, RunState, StepState } from "./state.ts";

/** `outputs` matters only when results are carried over: what `neededOutputs(graph, undefined, fact)` named. */
export function start(fact: RunRequested, graph: Graph, outputs: Outputs = new Map()): RunState {
  const { carried = {}, at } = fact;
  const steps = graph.steps.map(({ name }): [string, StepState] => {
    return [name, firstState(Object.hasOwn(carried, name) ? carried[name] : undefined, at)];
  });
  const faults = inputFaults(fact.spec);
  return advanced(graph, stateOf(fact, Object.fromEntries(steps)), outputs, (draft) => {
    if (faults.length > 0) endRun(draft, "InvalidInput", faults.join("; "), fact.at);
  });
}

/** A run whose spec gives no graph: it ends as it begins, and says why. */
export function startRefused(
  fact: RunRequested,
  faults: readonly PlanFault[],
): { readonly graph: Graph; readonly state: RunState } {
  const graph: Graph = { steps: [], order: [], byName: new Map(), output: { kind: "object", steps: [] } };
  const message = faults.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const state = advanced(graph, stateOf(fact, {}), new Map(), (draft) => {
    endRun(draft, refusalOf(faults), message, fact.at);
  });
  return { graph, state };
}

/** Where all faults are of one sort that runs know, that one. */
function refusalOf([first, ...others]: readonly PlanFault[]): RunFailure {
  const reason = first?.reason;
  if (reason !== "InvalidTemplate" && reason !== "TeamNotFound") return "InvalidDAG";
  return others.every((fault) => fault.reason === reason) ? reason : "InvalidDAG";
}

/** A carried result was paid for by an earlier run: the step is done, and costs nothing here. */
function firstState(carried: StepResult | undefined, at: number): StepState {
  const totals = { usage: NO_USAGE, iterations: 0, validationAttempts: 0 };
  if (carried === undefined) return { ...totals, phase: "pending" };
  return { ...totals, phase: "succeeded", startedAt: at, endedAt: at, attempts: 0, result: carried };
}

/** A state is written at every fact: of its roles it keeps what a plan needs, not prompts and tools (S1). */
function planned({ roles, ...spec }: ArkRunSpec): ArkRunSpec {
  if (roles === undefined) return spec;
  const kept = roles.map(({ name, arkAgent, arkTeam }) => ({
    name,
    ...(arkAgent !== undefined && { arkAgent }),
    ...(arkTeam !== undefined && { arkTeam }),
  }));
  return { ...spec, roles: kept };
}

function stateOf(fact: RunRequested, steps: Readonly<Record<string, StepState>>): RunState {
  const { namespace, run, uid, generation, event, parent, via, depth, hop, traceparent } = fact;
  return {
    version: 1,
    namespace,
    run,
    uid,
    ...(generation !== undefined && { generation }),
    spec: planned(fact.spec),
    ...(event !== undefined && { event }),
    ...(parent !== undefined && { parent }),
    ...(via !== undefined && { via }),
    depth,
    hop,
    ...(traceparent !== undefined && { traceparent }),
    startedAt: fact.at,
    phase: { kind: "running" },
    steps,
    issued: {},
  };
}
