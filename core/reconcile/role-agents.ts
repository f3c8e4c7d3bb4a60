/** The ArkAgents that a team's inline roles become (api 2, `roles`). */
import type { ArkAgent, ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkTeam, Role } from "#core/api/v1alpha1/ark-team.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Verdict } from "./conditions.ts";

export function roleAgentName(team: string, role: Role): string {
  return role.arkAgent ?? `${team}-${role.name}`;
}

/** ArkAgents of inline roles, owned by the team (api 2, `roles`). */
export function roleAgents(team: ArkTeam): ArkAgent[] {
  const { name = "", namespace = "default", uid = "" } = team.metadata;
  return team.spec.roles.filter(isInline).map((role) => ({
    apiVersion: API_VERSION,
    kind: "ArkAgent",
    metadata: {
      name: roleAgentName(name, role),
      namespace,
      labels: { "arkonis.dev/team": name, "arkonis.dev/role": role.name },
      ownerReferences: [{ apiVersion: API_VERSION, kind: "ArkTeam", name, uid, controller: true }],
    },
    spec: agentSpec(role),
  }));
}

/** Where an ArkAgent of that name is not the team's: it is never taken over (E17). */
export function nameTaken(name: string): Verdict {
  const message = `an ArkAgent "${name}" that is not this team's stands where its role's would: rename role or agent`;
  return { status: "False", reason: "ReconcileError", message };
}

type InlineRole = Role & { readonly model: string };

function isInline(role: Role): role is InlineRole {
  return role.model !== undefined && role.arkAgent === undefined && role.arkTeam === undefined;
}

function agentSpec(role: InlineRole): ArkAgentSpec {
  const { name: _name, arkAgent: _agent, arkTeam: _team, replicas, ...rest } = role;
  return { ...rest, replicas: replicas ?? 1, networkPolicy: "default" };
}
