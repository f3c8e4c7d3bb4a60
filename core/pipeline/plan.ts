/**
 * From a spec to a checked graph, or to every fault at once, each naming its field (P10).
 *
 * G1  Names are unique, every reference names something, and there is no ring.
 * G2  Every template compiles, and reads only steps that have ended when it is rendered.
 */
import { isBare } from "#core/api/object-rules.ts";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeamSpec, Role, Step } from "#core/api/v1alpha1/ark-team.ts";
import type { Graph, PlannedStep, PlanFault } from "./graph.ts";
import { isOfType } from "./inputs.ts";
import { linkSteps, type Links } from "./links.ts";
import { appliedPolicies } from "./policies.ts";
import { planOutput } from "./plan-output.ts";
import { planStep } from "./plan-step.ts";

export type { Graph, PlanFault } from "./graph.ts";

export type PlanOutcome =
  | { readonly kind: "graph"; readonly graph: Graph }
  | { readonly kind: "faults"; readonly faults: readonly PlanFault[] };

/** The fields a graph is made of. */
type PlanFields = Pick<ArkRunSpec, "teamRef" | "agent" | "pipeline" | "roles" | "output" | "defaultContextPolicy">;

const NO_RETRY = { limit: 0, durationMs: 0, factor: 1, capMs: 0 } as const;

/** Never throws. */
export function plan(spec: ArkRunSpec): PlanOutcome {
  if (spec.agent !== undefined) return { kind: "graph", graph: agentGraph(spec.agent) };
  // Announced without its team's snapshot: the team never came (P4).
  if (isBare(spec)) {
    const message = `there is no team ${spec.teamRef}`;
    return { kind: "faults", faults: [{ path: "spec.teamRef", message, reason: "TeamNotFound" }] };
  }
  if (spec.pipeline === undefined || spec.roles === undefined) {
    const path = spec.pipeline === undefined ? "spec.pipeline" : "spec.roles";
    const message =
      "a run of a team has the team's roles and pipeline; made by hand it has teamRef and input alone, and its limits are the team's";
    return { kind: "faults", faults: [{ path, message, reason: "InvalidDAG" }] };
  }
  return planPipeline(spec, spec.roles, spec.pipeline);
}

/** Validation of a team alone: its graph, and what its runs would be refused for at the start. */
export function planTeam(name: string, spec: ArkTeamSpec): PlanOutcome {
  const { pipeline, roles, output, defaultContextPolicy } = spec;
  const fields: PlanFields = {
    teamRef: name,
    pipeline,
    roles,
    ...(output !== undefined && { output }),
    ...(defaultContextPolicy !== undefined && { defaultContextPolicy }),
  };
  const planned = planPipeline(fields, roles, pipeline);
  const faults = inputDeclarationFaults(spec);
  if (faults.length === 0) return planned;
  return { kind: "faults", faults: planned.kind === "faults" ? [...planned.faults, ...faults] : faults };
}

/** Specs with equal keys have equal graphs: a caller with many runs keeps one graph per key. */
export function planKey(spec: PlanFields): string {
  return JSON.stringify([
    spec.teamRef,
    spec.agent,
    spec.pipeline,
    spec.roles?.map(({ name, arkAgent, arkTeam }) => [name, arkAgent, arkTeam]),
    spec.output,
    spec.defaultContextPolicy,
  ]);
}

function planPipeline(spec: PlanFields, roles: readonly Role[], pipeline: readonly Step[]): PlanOutcome {
  const faults: PlanFault[] = [];
  roles.forEach((role, i) => {
    if (role.arkTeam === undefined || role.arkTeam !== spec.teamRef) return;
    faults.push({
      path: `spec.roles[${i}].arkTeam`,
      message: `team ${role.arkTeam} would run itself without end`,
      reason: "InvalidDAG",
    });
  });
  const links = linkSteps(pipeline, faults);
  const context = { team: spec.teamRef ?? "", roles: new Map(roles.map((role) => [role.name, role])), faults };
  const steps = pipeline.map((step, i) => planStep(step, `spec.pipeline[${i}]`, linkOf(links, i), context));
  const output = planOutput(spec.output, pipeline, links, faults);
  if (faults.length > 0) return { kind: "faults", faults };
  const policed = appliedPolicies(steps, output, spec.defaultContextPolicy);
  const byName = new Map(policed.map((step) => [step.name, step]));
  const order = links.order.flatMap((name) => byName.get(name) ?? []);
  const { defaultContextPolicy: defaultPolicy } = spec;
  return {
    kind: "graph",
    graph: { steps: policed, order, byName, output, ...(defaultPolicy !== undefined && { defaultPolicy }) },
  };
}

function linkOf(links: Links, index: number): { name: string; ancestors: ReadonlySet<string> } {
  const name = links.names[index] ?? "";
  return { name, ancestors: links.ancestors.get(name) ?? new Set() };
}

/** `spec.agent` with `spec.prompt`: one step named after the agent. */
function agentGraph(agent: string): Graph {
  const step: PlannedStep = {
    name: agent,
    target: { kind: "agent", agent },
    dependsOn: [],
    ancestors: new Set(),
    inputs: { kind: "run-prompt" },
    retry: NO_RETRY,
  };
  return {
    steps: [step],
    order: [step],
    byName: new Map([[agent, step]]),
    output: { kind: "step", step: agent, field: "rawOutput" },
  };
}

function inputDeclarationFaults(spec: ArkTeamSpec): PlanFault[] {
  const names = spec.inputs?.map(({ name }) => name) ?? [];
  return (spec.inputs ?? []).flatMap(({ name, type, default: fallback }, i): PlanFault[] => {
    const path = `spec.inputs[${i}]`;
    if (names.indexOf(name) !== i)
      return [{ path: `${path}.name`, message: `input ${name} is declared twice`, reason: "InvalidDAG" }];
    if (fallback === undefined || isOfType(fallback, type)) return [];
    return [{ path: `${path}.default`, message: `the default is no ${type}`, reason: "InvalidSchema" }];
  });
}
