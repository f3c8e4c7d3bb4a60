/**
 * The whole judgement of a document: schema and rules (`core/api`), then what stands inside texts — templates, patterns,
 * JSON Schemas — and the graph of steps (`core/pipeline/plan.ts`). Every door that takes Ark objects asks here.
 *
 * V1  All faults at once, each with the path of its field (P10); a template's also with line and column.
 * V2  Texts and graph are looked into as soon as every field has the right type and is inside its bounds.
 */
import { oncePerPlace, type Fault } from "#core/api/fault.ts";
import type { ArkObject } from "#core/api/objects.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { checkObject, type Checked } from "#core/api/validate.ts";
import { plan, planTeam, type PlanOutcome } from "#core/pipeline/plan.ts";
import { agentTexts, type Findings, NONE, roleTexts, stepTexts } from "./texts.ts";
import { targetTexts } from "./targets.ts";

export type { Fault } from "#core/api/fault.ts";

export type Validated = Checked<ArkObject>;

function graphFaults(outcome: PlanOutcome): readonly Fault[] {
  if (outcome.kind === "graph") return [];
  return outcome.faults.map(({ path, message, hint }) =>
    hint === undefined ? { path, message } : { path, message, hint },
  );
}

function joined(...parts: readonly Findings[]): Findings {
  return { faults: parts.flatMap(({ faults }) => faults), warnings: parts.flatMap(({ warnings }) => warnings) };
}

async function inTeam({ metadata, spec }: ArkTeam): Promise<Findings> {
  const graph = { faults: graphFaults(planTeam(metadata.name ?? "", spec)), warnings: [] };
  return joined(graph, await roleTexts(spec.roles), await stepTexts(spec));
}

/** A run made by hand has no snapshot yet: there is nothing to look into. */
async function inRun({ spec }: ArkRun): Promise<Findings> {
  if (spec.pipeline === undefined || spec.roles === undefined) return NONE;
  const graph = { faults: graphFaults(plan(spec)), warnings: [] };
  return joined(graph, await roleTexts(spec.roles), await stepTexts({ pipeline: spec.pipeline }));
}

function within(object: ArkObject): Promise<Findings> {
  switch (object.kind) {
    case "ArkEvent":
      return Promise.resolve(targetTexts(object satisfies ArkEvent));
    case "ArkTeam":
      return inTeam(object);
    case "ArkAgent":
      return agentTexts((object satisfies ArkAgent).spec, ["spec"]);
    case "ArkRun":
      return inRun(object);
    case "ArkService":
    case "ArkSettings":
      return Promise.resolve(NONE);
  }
}

/**
 * Never rejects. Warnings are about objects that work, and probably not as meant. Where a rule and the graph object to
 * the same place, the graph says it better.
 */
export async function validateObject(doc: unknown): Promise<Validated> {
  const checked = checkObject(doc);
  if (checked.object === undefined) return checked;
  const { faults, warnings } = await within(checked.object);
  const earlier = checked.kind === "invalid" ? checked.faults : [];
  const all = oncePerPlace([...faults, ...earlier]);
  if (all.length > 0) return { kind: "invalid", faults: all, object: checked.object };
  return { kind: "valid", object: checked.object, warnings };
}
