/**
 * The ArkAgents of inline roles, kept as their teams say (api 2, `roles`).
 *
 * M1  An ArkAgent that another team owns, or that stands for itself, is never taken over (E17).
 */
import { keyOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { Verdict } from "#core/reconcile/conditions.ts";
import { nameTaken, roleAgents } from "#core/reconcile/role-agents.ts";
import { applyIfChanged } from "./changes.ts";
import { byKey, type Observed } from "./world.ts";

/** Teams that cannot have the agent of a role, with the reason; by `<namespace>/<name>`. */
export type Refused = ReadonlyMap<string, Verdict>;

/** `isChanged`: the ArkAgents are others than those of `observed`. */
export async function keepRoleAgents(
  { teams, agents }: Observed,
  objects: Objects,
): Promise<{ readonly refused: Refused; readonly isChanged: boolean }> {
  const refused = new Map<string, Verdict>();
  let isChanged = false;
  const held = new Map(byKey(agents));
  const kept = new Set<string>();
  for (const team of teams) {
    for (const agent of roleAgents(team)) {
      const key = keyOf(agent);
      const stored = held.get(key);
      if (stored === undefined || ownerOf(stored) === ownerOf(agent)) {
        kept.add(key);
        held.set(key, agent);
        if (await applyIfChanged(objects, "ArkAgent", stored, agent)) isChanged = true;
      } else refused.set(keyOf(team), nameTaken(agent.metadata.name ?? ""));
    }
  }
  const left = agents.filter((agent) => ownerOf(agent) !== undefined && !kept.has(keyOf(agent)));
  await drop(left, objects);
  return { refused, isChanged: isChanged || left.length > 0 };
}

async function drop(agents: readonly ArkAgent[], objects: Objects): Promise<void> {
  for (const { metadata } of agents) {
    const { namespace = "default", name = "" } = metadata;
    await objects.delete("ArkAgent", { namespace, name });
  }
}

/** By name: a team that was deleted and applied again goes on with its agents. */
function ownerOf({ metadata }: ArkAgent): string | undefined {
  return metadata.ownerReferences?.find(({ kind }) => kind === "ArkTeam")?.name;
}
