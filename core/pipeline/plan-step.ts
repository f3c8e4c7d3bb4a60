/** One step of a pipeline, checked and compiled. */
import type { Role, Step } from "#core/api/v1alpha1/ark-team.ts";
import { pathText } from "#core/api/fault.ts";
import { parseDuration } from "#core/duration.ts";
import { parseJson } from "#core/json.ts";
import { compileTemplate } from "#core/template/compile.ts";
import type { InputSource, PlannedInputs, PlannedRetry, PlannedStep, PlanFault, Source } from "./graph.ts";
import { readsOf, strangers } from "./reads.ts";

export type StepContext = {
  readonly team: string;
  readonly roles: ReadonlyMap<string, Role>;
  readonly faults: PlanFault[];
};

/** Fields as `core/api` defaults them: a retry without `backoff` backs off all the same. */
const BACKOFF = { duration: "2s", factor: 2, cap: "5m" } as const;

/** Faults go to `context.faults`; the result counts only when there are none. */
export function planStep(
  step: Step,
  path: string,
  { name, ancestors }: Pick<PlannedStep, "name" | "ancestors">,
  context: StepContext,
): PlannedStep {
  const { faults } = context;
  const target = targetOf(step, path, context);
  // Before its first iteration a loop's own output is empty; without a loop it always is.
  const visible = step.loop === undefined ? ancestors : new Set([...ancestors, name]);
  const compile = (source: string, field: string, reach = visible): Source =>
    compileSource(source, `${path}.${field}`, field, reach, faults);
  const inputs = planInputs(step, path, compile, faults);
  const outputSchema = schemaText(step, path, faults);
  if (target.kind === "team") checkTeamStep(step, path, faults);
  return {
    name,
    target,
    dependsOn: step.dependsOn ?? [],
    ancestors,
    inputs,
    ...(step.if !== undefined && { condition: compile(step.if, "if", ancestors) }),
    ...(step.loop !== undefined && {
      loop: { condition: compile(step.loop.condition, "loop.condition"), maxIterations: step.loop.maxIterations },
    }),
    retry: retryOf(step),
    ...(step.timeoutSeconds !== undefined && { timeoutMs: step.timeoutSeconds * 1000 }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(step.validate !== undefined && { validate: step.validate }),
    ...(step.contextPolicy !== undefined && { contextPolicy: step.contextPolicy }),
  };
}

function targetOf(step: Step, path: string, { roles, team, faults }: StepContext): PlannedStep["target"] {
  const role = roles.get(step.role);
  if (role === undefined) {
    const hint = `roles are ${[...roles.keys()].join(", ")}`;
    faults.push({ path: `${path}.role`, message: `no role is called ${step.role}`, hint, reason: "InvalidDAG" });
  }
  if (role?.arkTeam !== undefined) return { kind: "team", team: role.arkTeam };
  return { kind: "agent", agent: role?.arkAgent ?? `${team}-${step.role}` };
}

export function compileSource(
  text: string,
  path: string,
  field: string,
  visible: ReadonlySet<string>,
  faults: PlanFault[],
): Source {
  const outcome = compileTemplate(text);
  if (outcome.kind === "refused") {
    const { line, column, message, hint } = outcome.fault;
    faults.push({
      path,
      message: `line ${line}, column ${column}: ${message}`,
      ...(hint !== undefined && { hint }),
      reason: "InvalidTemplate",
    });
    return { field, template: EMPTY, reads: new Map() };
  }
  const { template } = outcome;
  for (const name of strangers(template.paths, visible)) {
    faults.push({
      path,
      message: `.steps.${name} is read, but ${name} need not have ended by then`,
      hint: visible.size === 0 ? "name it in dependsOn" : `name it in dependsOn; known are ${[...visible].join(", ")}`,
      reason: "InvalidTemplate",
    });
  }
  return { field, template, reads: readsOf(template.paths, visible) };
}

/** Stands where a template was refused; a graph with faults is never used. */
const EMPTY: Source["template"] = { source: "", paths: [], render: () => ({ kind: "rendered", text: "" }) };

function planInputs(
  step: Step,
  path: string,
  compile: (source: string, field: string) => Source,
  faults: PlanFault[],
): PlannedInputs {
  const { inputs, inputOrder } = step;
  if (inputs === undefined || Object.keys(inputs).length === 0) return { kind: "run-input" };
  inputOrder?.forEach((key, k) => {
    const at = { path: `${path}.inputOrder[${k}]`, reason: "InvalidDAG" } as const;
    if (!Object.hasOwn(inputs, key)) faults.push({ ...at, message: `no input is called ${key}` });
    else if (inputOrder.indexOf(key) !== k) faults.push({ ...at, message: `input ${key} stands there twice` });
  });
  const fields = orderedKeys(inputs, inputOrder).map((key): InputSource => {
    return { key, source: compile(inputs[key] ?? "", pathText(["inputs", key])) };
  });
  return { kind: "fields", fields };
}

/** Written order, or `inputOrder` and then the rest by name (api 11). */
function orderedKeys(inputs: Readonly<Record<string, string>>, order: readonly string[] | undefined): string[] {
  const keys = Object.keys(inputs);
  if (order === undefined) return keys;
  const named = order.filter((key) => Object.hasOwn(inputs, key));
  return [...named, ...keys.filter((key) => !order.includes(key)).sort()];
}

function retryOf({ retry }: Step): PlannedRetry {
  const { duration, factor, cap } = retry?.backoff ?? BACKOFF;
  return { limit: retry?.limit ?? 0, durationMs: parseDuration(duration) ?? 0, factor, capMs: parseDuration(cap) ?? 0 };
}

function schemaText({ outputSchema }: Step, path: string, faults: PlanFault[]): string | undefined {
  if (typeof outputSchema !== "string") return outputSchema === undefined ? undefined : JSON.stringify(outputSchema);
  const parsed = parseJson(outputSchema);
  if (parsed !== undefined) return JSON.stringify(parsed);
  faults.push({ path: `${path}.outputSchema`, message: "the schema is not JSON", reason: "InvalidSchema" });
  return undefined;
}

/** A nested run is no executor's task: nobody stands between its answer and this step who could judge or rewrite it. */
function checkTeamStep(step: Step, path: string, faults: PlanFault[]): void {
  const refuse = (field: string): void => {
    faults.push({
      path: `${path}.${field}`,
      message: `a step that is a team has no ${field} of its own`,
      hint: "set it on the last step of that team",
      reason: "InvalidDAG",
    });
  };
  if (step.outputSchema !== undefined) refuse("outputSchema");
  if (step.validate !== undefined) refuse("validate");
  const strategy = step.contextPolicy?.strategy;
  if (strategy === "extract" || strategy === "compress") refuse("contextPolicy");
}
