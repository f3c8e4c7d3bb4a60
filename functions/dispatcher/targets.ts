/** Each target on its own: ready to start, waiting for its team, or impossible. One never hinders another (api 1). */
import type { ArkEvent, Target } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { TriggerContext } from "#core/events/trigger-context.ts";
import type { DispatcherDeps } from "./deps.ts";
import { renderMap, renderText, teamInput } from "./render-target.ts";
import { runObject, snapshot, type Origin } from "#core/runs/run-object.ts";

export type PreparedTarget =
  | { readonly kind: "ready"; readonly index: number; readonly name: string; readonly run: ArkRun }
  | {
      /** `waiting`: may pass. `refused`: never will. */
      readonly kind: "waiting" | "refused";
      readonly index: number;
      readonly name: string;
      readonly reason: string;
      readonly message: string;
    };

export async function prepareTarget(
  event: ArkEvent,
  index: number,
  name: string,
  context: TriggerContext,
  origin: Origin,
  deps: Pick<DispatcherDeps, "objects">,
): Promise<PreparedTarget> {
  const target = event.spec.targets[index];
  if (target?.team !== undefined)
    return prepareTeam(event, target.team, { target, index, name }, context, origin, deps);
  if (target?.agent !== undefined) return prepareAgent(event, target.agent, { target, index, name }, context, origin);
  return { kind: "refused", index, name, reason: "InvalidTarget", message: "the target names neither team nor agent" };
}

type Place = { readonly target: Target; readonly index: number; readonly name: string };

async function prepareTeam(
  event: ArkEvent,
  teamName: string,
  { target, index, name }: Place,
  context: TriggerContext,
  origin: Origin,
  deps: Pick<DispatcherDeps, "objects">,
): Promise<PreparedTarget> {
  const namespace = event.metadata.namespace ?? "";
  const team = await deps.objects.get("ArkTeam", { namespace, name: teamName });
  if (team === undefined) {
    return { kind: "waiting", index, name, reason: "TeamNotFound", message: `team ${teamName} does not exist` };
  }
  const input = teamInput(event, target, team, context);
  if (input.kind === "failed") return refusedTemplate(index, name, input.message);
  const owner = { kind: "ArkTeam", name: teamName, uid: team.metadata.uid ?? "" } as const;
  return {
    kind: "ready",
    index,
    name,
    run: runObject({ namespace, name }, snapshot(team, input.value), origin, owner),
  };
}

/** The agent need not exist yet: its task waits for it (D3, D12). */
function prepareAgent(
  event: ArkEvent,
  agent: string,
  { target, index, name }: Place,
  context: TriggerContext,
  origin: Origin,
): PreparedTarget {
  const { namespace = "", name: eventName = "", uid = "" } = event.metadata;
  const prompt = renderText(target.prompt ?? "", context, "prompt");
  if (prompt.kind === "failed") return refusedTemplate(index, name, prompt.message);
  const input = renderMap(target.input ?? {}, context);
  if (input.kind === "failed") return refusedTemplate(index, name, input.message);
  const given = target.input === undefined ? {} : { input: input.value };
  const owner = { kind: "ArkEvent", name: eventName, uid } as const;
  const spec = { agent, prompt: prompt.value, ...given };
  return { kind: "ready", index, name, run: runObject({ namespace, name }, spec, origin, owner) };
}

function refusedTemplate(index: number, name: string, message: string): PreparedTarget {
  return { kind: "refused", index, name, reason: "InvalidTemplate", message: `targets[${index}].${message}` };
}
