/** What a run would do, before it does it: stages, prompts, and how many tokens they take at least. Pure. */
import type { ArkTeamSpec, Role } from "#core/api/v1alpha1/ark-team.ts";
import type { Graph, PlannedStep, Source } from "#core/pipeline/graph.ts";
import { oneLine, truncate, type Style } from "./style.ts";

/** Roughly what English text takes; providers count differently. */
const CHARS_PER_TOKEN = 4;
const TEMPLATE_COLUMNS = 100;

export type StepPlan = {
  readonly name: string;
  /** Steps of one stage run at the same time. */
  readonly stage: number;
  readonly runs: string;
  readonly dependsOn: readonly string[];
  readonly notes: readonly string[];
  /** With the run's input put in; what other steps will say stands as its template. */
  readonly prompt: string;
  readonly promptTokens: number;
};
export type RunPlan = { readonly steps: readonly StepPlan[]; readonly promptTokens: number };

export type PlanInput = {
  readonly spec: ArkTeamSpec;
  readonly graph: Graph;
  readonly input: Readonly<Record<string, string>>;
};

export function runPlan({ spec, graph, input }: PlanInput): RunPlan {
  const stages = stagesOf(graph);
  const roles = new Map(spec.roles.map((role) => [role.name, role]));
  const byStep = new Map(spec.pipeline.map((step) => [step.name ?? step.role, roles.get(step.role)]));
  const steps = graph.order.map((step): StepPlan => {
    const role = byStep.get(step.name);
    const prompt = promptOf(step, input);
    return {
      name: step.name,
      stage: stages.get(step.name) ?? 1,
      runs: runsOf(step, role),
      dependsOn: step.dependsOn,
      notes: notesOf(step),
      prompt,
      promptTokens: Math.ceil((prompt.length + (role?.systemPrompt?.length ?? 0)) / CHARS_PER_TOKEN),
    };
  });
  return { steps, promptTokens: steps.reduce((sum, step) => sum + step.promptTokens, 0) };
}

function stagesOf(graph: Graph): ReadonlyMap<string, number> {
  const stages = new Map<string, number>();
  for (const step of graph.order) {
    stages.set(step.name, 1 + Math.max(0, ...step.dependsOn.map((name) => stages.get(name) ?? 0)));
  }
  return stages;
}

function runsOf(step: PlannedStep, role: Role | undefined): string {
  if (step.target.kind === "team") return `team ${step.target.team}`;
  return `agent ${step.target.agent}${role?.model === undefined ? "" : `, model ${role.model}`}`;
}

function notesOf(step: PlannedStep): readonly string[] {
  return [
    ...(step.condition === undefined ? [] : [`if ${step.condition.template.source}`]),
    ...(step.loop === undefined
      ? []
      : [`repeats while ${step.loop.condition.template.source}, at most ${step.loop.maxIterations} times more`]),
    ...(step.outputSchema === undefined ? [] : ["answers in JSON, checked"]),
    ...(step.retry.limit === 0 ? [] : [`retried up to ${step.retry.limit} times`]),
  ];
}

function promptOf(step: PlannedStep, input: Readonly<Record<string, string>>): string {
  if (step.inputs.kind !== "fields") return fieldLines(Object.entries(input));
  return fieldLines(step.inputs.fields.map(({ key, source }) => [key, filledIn(source, input)]));
}

function filledIn({ template, reads }: Source, input: Readonly<Record<string, string>>): string {
  if (reads.size > 0) return template.source;
  const rendered = template.render({ input });
  return rendered.kind === "rendered" ? rendered.text : template.source;
}

function fieldLines(fields: readonly (readonly [string, string])[]): string {
  const [only] = fields;
  if (fields.length === 1 && only?.[0] === "prompt") return only[1];
  return fields.map(([key, value]) => `${key}: ${value}`).join("\n");
}

export function planText(team: string, plan: RunPlan, style: Style): string {
  const stages = Math.max(0, ...plan.steps.map((step) => step.stage));
  const lines = [`${style.bold(team)}: ${plan.steps.length} steps in ${stages} stages`];
  for (const step of plan.steps) {
    const after = step.dependsOn.length === 0 ? "at once" : `after ${step.dependsOn.join(", ")}`;
    lines.push("", `${step.stage}. ${style.bold(step.name)}  ${step.runs}  ${style.dim(after)}`);
    for (const note of step.notes) lines.push(`   ${style.yellow(note)}`);
    for (const line of step.prompt.split("\n"))
      lines.push(`   ${style.dim("|")} ${truncate(oneLine(line), TEMPLATE_COLUMNS)}`);
    lines.push(style.dim(`   about ${step.promptTokens} tokens, and the outputs it reads`));
  }
  lines.push("", `At least about ${plan.promptTokens} input tokens. No model was asked.`);
  return `${lines.join("\n")}\n`;
}
