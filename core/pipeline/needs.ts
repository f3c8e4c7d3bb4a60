/** Which texts above the inline limit a fold or a decision will read, so that the shell loads them first and no others. */
import { attemptId, type Fact, type RunRequested, type StepFinished, type StepResult } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";
import type { Graph, PlannedStep, Reads } from "./graph.ts";
import { textFor, type Reader } from "./policies.ts";
import type { RunState, StepState } from "./state.ts";
import { parseStepTimer } from "./timers.ts";

export type TextByRef = Extract<Text, { ref: unknown }>;

type Results = (step: string) => StepResult | undefined;
type Settled = (step: string) => boolean;
type Need = { readonly reader: Reader; readonly reads: Reads };

/**
 * What `evolve(graph, state, fact)` and a `decide` after it read; without a fact, what `decide(graph, state)` reads;
 * without a state, what `start` reads. At least that: a step that may be skipped is counted both ways.
 */
export function neededOutputs(graph: Graph, state: RunState | undefined, fact?: Fact): readonly TextByRef[] {
  if (state === undefined) return fact?.kind === "run.requested" ? neededToStart(graph, fact) : [];
  const needs = neededToDecide(graph, state);
  if (fact !== undefined && state.phase.kind === "running") needs.push(...neededToFold(graph, state, fact));
  const result = fact?.kind === "step.finished" ? resultOf(fact) : undefined;
  return textsOf(graph, needs, (name) => {
    return result !== undefined && name === (fact as StepFinished).step ? result : state.steps[name]?.result;
  });
}

function neededToStart(graph: Graph, { carried = {} }: RunRequested): readonly TextByRef[] {
  const has = (name: string): boolean => Object.hasOwn(carried, name);
  return textsOf(graph, neededOnward(graph, has, has), (name) => (has(name) ? carried[name] : undefined));
}

function neededToDecide(graph: Graph, state: RunState): Need[] {
  if (state.phase.kind === "succeeded") {
    const stored = Object.hasOwn(state.issued, `${state.uid}/output`) || "inline" in state.phase.output;
    return stored ? [] : outputNeeds(graph);
  }
  return graph.steps.flatMap((step) => (isUnissued(step, state) ? inputNeeds(step) : []));
}

function isUnissued({ name }: PlannedStep, { uid, steps, issued }: RunState): boolean {
  const step = steps[name];
  return step?.phase === "active" && !Object.hasOwn(issued, attemptId(uid, { step: name, ...step.attempt }));
}

function neededToFold(graph: Graph, state: RunState, fact: Fact): Need[] {
  const name = fact.kind === "timer" ? parseStepTimer(fact.timer)?.step : stepOf(fact);
  const step = name === undefined ? undefined : graph.byName.get(name);
  if (step === undefined) return [];
  const own = [...inputNeeds(step), ...need(step, step.loop?.condition.reads)];
  if (fact.kind !== "step.finished" || fact.outcome.kind !== "done") return own;
  const settled: Settled = (other) => other === name || isSettled(state.steps[other]);
  const begun: Settled = (other) => other === name || state.steps[other]?.phase !== "pending";
  return [...own, ...neededOnward(graph, settled, begun)];
}

function stepOf(fact: Fact): string | undefined {
  return fact.kind === "step.finished" ? fact.step : undefined;
}

function isSettled(step: StepState | undefined): boolean {
  return step?.phase === "succeeded" || step?.phase === "skipped";
}

function resultOf({ outcome }: StepFinished): StepResult | undefined {
  return outcome.kind === "done" ? outcome : undefined;
}

/** Steps that become ready, those behind them where they may be skipped, and the run's output if all end. */
function neededOnward(graph: Graph, settled: Settled, begun: Settled): Need[] {
  const passed = new Set(graph.steps.filter(({ name }) => settled(name)).map(({ name }) => name));
  const needs: Need[] = [];
  for (const step of graph.order) {
    if (begun(step.name) || !step.dependsOn.every((name) => passed.has(name))) continue;
    needs.push(...inputNeeds(step), ...need(step, step.condition?.reads));
    if (step.condition !== undefined) passed.add(step.name);
  }
  return passed.size === graph.steps.length ? [...needs, ...outputNeeds(graph)] : needs;
}

function inputNeeds(step: PlannedStep): Need[] {
  return step.inputs.kind === "fields" ? step.inputs.fields.flatMap(({ source }) => need(step, source.reads)) : [];
}

function outputNeeds({ output }: Graph): Need[] {
  if (output.kind === "template") return need("run-output", output.source.reads);
  if (output.kind === "step") return [];
  return need("run-output", new Map(output.steps.map((name) => [name, new Set(["rawOutput" as const])])));
}

function need(reader: Reader, reads: Reads | undefined): Need[] {
  return reads === undefined || reads.size === 0 ? [] : [{ reader, reads }];
}

function textsOf(graph: Graph, needs: readonly Need[], results: Results): readonly TextByRef[] {
  const texts = new Map<string, TextByRef>();
  for (const { reader, reads } of needs) {
    for (const [name, fields] of reads) {
      const step = graph.byName.get(name);
      const result = results(name);
      if (step === undefined || result === undefined) continue;
      for (const field of fields) {
        const text = textFor(reader, step, result, field, graph);
        if (text !== undefined && "ref" in text) texts.set(text.ref.digest, text);
      }
    }
  }
  return [...texts.values()];
}
