/** What a run's output is made of (api 2: the template, else the steps that nothing depends on). */
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import type { PlanFault, PlannedOutput } from "./graph.ts";
import type { Links } from "./links.ts";
import { compileSource } from "./plan-step.ts";

/** A template that is one step's text needs no rendering, and so no limit on size. */
const ONE_FIELD = /^\{\{-?\s*(?:\.steps\.([a-z]\w*)|\(\s*index \.steps "([^"]+)"\s*\))\.(output|rawOutput)\s*-?\}\}$/;

export function planOutput(
  source: string | undefined,
  pipeline: readonly Step[],
  { names }: Links,
  faults: PlanFault[],
): PlannedOutput {
  if (source !== undefined) return ofTemplate(source, names, faults);
  const needed = new Set(pipeline.flatMap((step) => step.dependsOn ?? []));
  const last = names.filter((name) => !needed.has(name));
  const [only] = last;
  if (only !== undefined && last.length === 1) return { kind: "step", step: only, field: "rawOutput" };
  return { kind: "object", steps: last };
}

function ofTemplate(text: string, names: readonly string[], faults: PlanFault[]): PlannedOutput {
  const source = compileSource(text, "spec.output", "output", new Set(names), faults);
  const [, plain, indexed, field] = ONE_FIELD.exec(text) ?? [];
  const step = plain ?? indexed;
  if (step === undefined) return { kind: "template", source };
  return { kind: "step", step, field: field === "rawOutput" ? "rawOutput" : "output" };
}
