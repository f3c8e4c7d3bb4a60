/** Status of an ArkTeam from its verdict and its newest run. */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam, ArkTeamStatus } from "#core/api/v1alpha1/ark-team.ts";
import { type Verdict, withCondition } from "./conditions.ts";
import { roleAgentName } from "./role-agents.ts";

export type TeamRuns = {
  readonly newest?: ArkRun;
  /** A run has not ended. */
  readonly active: boolean;
};

/** `address`: where a CloudEvent starts the team; absent where nobody listens for one. */
export function teamStatus(
  team: ArkTeam,
  verdict: Verdict,
  runs: TeamRuns,
  now: number,
  address?: string,
): ArkTeamStatus {
  const { generation = 1 } = team.metadata;
  const last = lastPhase(runs.newest);
  const entryRole = team.spec.pipeline.find((step) => (step.dependsOn ?? []).length === 0)?.role;
  return {
    observedGeneration: generation,
    conditions: withCondition(team.status?.conditions, "Ready", verdict, { now, generation }),
    phase: phaseOf(verdict, runs.active, last),
    roles: rolesOf(team),
    ...(entryRole !== undefined && { entryRole }),
    ...(last !== undefined && { lastRunPhase: last }),
    ...activity(team, runs.newest),
    ...(address !== undefined && { address: { url: address } }),
  };
}

function rolesOf(team: ArkTeam): NonNullable<ArkTeamStatus["roles"]> {
  return team.spec.roles.map((role) => ({
    name: role.name,
    ...(role.arkTeam === undefined && { managedArkAgent: roleAgentName(team.metadata.name ?? "", role) }),
  }));
}

function lastPhase(run: ArkRun | undefined): string | undefined {
  return run === undefined ? undefined : (run.status?.phase ?? "Pending");
}

function activity(team: ArkTeam, run: ArkRun | undefined): Pick<ArkTeamStatus, "lastActiveTime" | "lastRunName"> {
  const at = lastMoment(run) ?? team.status?.lastActiveTime;
  const name = run?.metadata.name;
  return { ...(at !== undefined && { lastActiveTime: at }), ...(name !== undefined && { lastRunName: name }) };
}

function lastMoment(run: ArkRun | undefined): string | undefined {
  return run?.status?.completionTime ?? run?.status?.startTime;
}

function phaseOf(verdict: Verdict, active: boolean, last: string | undefined): NonNullable<ArkTeamStatus["phase"]> {
  if (active) return "Running";
  if (last === "Succeeded" || last === "Failed") return last;
  return verdict.status === "True" ? "Ready" : "Pending";
}
