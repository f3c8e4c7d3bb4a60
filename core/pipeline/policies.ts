/**
 * What readers of a step get of its output (api 2, contextPolicy): the step's own policy holds for all of them; without
 * one, direct dependents get the whole text and others what the team's default says. A step reads itself in full.
 */
import type { ContextPolicy } from "#core/api/v1alpha1/ark-team.ts";
import type { StepResult } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";
import type { Field, Graph, PlannedOutput, PlannedStep, Reads } from "./graph.ts";

/** Who reads: a step, or the template of the run's output. */
export type Reader = Pick<PlannedStep, "name" | "dependsOn"> | "run-output";

const NOTHING: Text = { inline: "" };

function policyFor(reader: Reader, producer: PlannedStep, byDefault: ContextPolicy | undefined) {
  if (reader !== "run-output" && reader.name === producer.name) return undefined;
  if (producer.contextPolicy !== undefined) return producer.contextPolicy;
  if (reader === "run-output" || reader.dependsOn.includes(producer.name)) return undefined;
  return byDefault;
}

/** The text behind `.steps.<producer>.<field>` for this reader; undefined where there is none. */
export function textFor(
  reader: Reader,
  producer: PlannedStep,
  result: StepResult,
  field: Field,
  { defaultPolicy }: Pick<Graph, "defaultPolicy">,
): Text | undefined {
  if (field === "data") return result.json;
  if (field === "rawOutput") return result.output;
  const strategy = policyFor(reader, producer, defaultPolicy)?.strategy ?? "full";
  if (strategy === "full") return result.output;
  return strategy === "none" ? NOTHING : (result.context ?? result.output);
}

/** Gives each step the policy that an executor must carry out: the one that somebody reads through. */
export function appliedPolicies(
  steps: readonly PlannedStep[],
  output: PlannedOutput,
  byDefault: ContextPolicy | undefined,
): PlannedStep[] {
  const readers = steps.map((step): [Reader, readonly string[]] => [step, outputsRead(sourcesOf(step))]);
  readers.push(["run-output", runOutputReads(output)]);
  return steps.map((producer) => {
    const policies = readers
      .filter(([, read]) => read.includes(producer.name))
      .map(([reader]) => policyFor(reader, producer, byDefault));
    const applied = policies.find((policy) => policy?.strategy === "extract" || policy?.strategy === "compress");
    return applied === undefined ? producer : { ...producer, appliedPolicy: applied };
  });
}

function sourcesOf(step: PlannedStep): readonly Reads[] {
  const fields = step.inputs.kind === "fields" ? step.inputs.fields.map(({ source }) => source) : [];
  return [...fields, step.condition, step.loop?.condition].flatMap((source) => source?.reads ?? []);
}

function outputsRead(all: readonly Reads[]): readonly string[] {
  return all.flatMap((reads) => [...reads].flatMap(([name, fields]) => (fields.has("output") ? [name] : [])));
}

function runOutputReads(output: PlannedOutput): readonly string[] {
  if (output.kind === "template") return outputsRead([output.source.reads]);
  return output.kind === "step" && output.field === "output" ? [output.step] : [];
}
