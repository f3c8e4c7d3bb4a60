/** Whether an ArkTeam can run: reasons of its condition Ready (api 2). */
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { MAX_NAME } from "#core/api/v1alpha1/common.ts";
import type { Verdict } from "./conditions.ts";
import { roleAgents } from "./role-agents.ts";

export type TeamWorld = {
  /** Faults of the pipeline's graph, from `plan`. */
  readonly faults: readonly { readonly path: string; readonly message: string; readonly reason: string }[];
  readonly hasAgent: (name: string) => boolean;
  readonly team: (name: string) => ArkTeam | undefined;
};

export function judgeTeam(team: ArkTeam, world: TeamWorld): Verdict {
  return (
    tooLong(team) ??
    graphFault(world) ??
    missing(team, world) ??
    ring(team, world) ?? { status: "True", reason: "Validated", message: "the pipeline is valid" }
  );
}

function refuse(reason: string, message: string): Verdict {
  return { status: "False", reason, message };
}

function tooLong(team: ArkTeam): Verdict | undefined {
  const derived = roleAgents(team).map((agent) => agent.metadata.name ?? "");
  const long = derived.find((name) => name.length > MAX_NAME);
  return long === undefined
    ? undefined
    : refuse("NameTooLong", `the agent name "${long}" is longer than ${MAX_NAME} characters: shorten team or role`);
}

function graphFault({ faults: [first] }: TeamWorld): Verdict | undefined {
  return first === undefined ? undefined : refuse(first.reason, `${first.path}: ${first.message}`);
}

function missing(team: ArkTeam, world: TeamWorld): Verdict | undefined {
  for (const [index, role] of team.spec.roles.entries()) {
    if (role.arkAgent !== undefined && !world.hasAgent(role.arkAgent))
      return refuse("AgentNotFound", `spec.roles[${index}].arkAgent: no ArkAgent "${role.arkAgent}"`);
    if (role.arkTeam !== undefined && world.team(role.arkTeam) === undefined)
      return refuse("TeamNotFound", `spec.roles[${index}].arkTeam: no ArkTeam "${role.arkTeam}"`);
  }
  return undefined;
}

/** A team that runs inside itself would never end. */
function ring(team: ArkTeam, world: TeamWorld): Verdict | undefined {
  const start = team.metadata.name ?? "";
  const seen = new Set<string>();
  const waiting = [...nested(team)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === start)
      return refuse("InvalidDAG", `spec.roles: the team runs inside itself by way of its roles' teams`);
    if (seen.has(name)) continue;
    seen.add(name);
    const inner = world.team(name);
    if (inner !== undefined) waiting.push(...nested(inner));
  }
  return undefined;
}

function nested(team: ArkTeam): string[] {
  return team.spec.roles.map((role) => role.arkTeam).filter((name) => name !== undefined);
}
