/** Status of an ArkTeam from its verdict and its newest run. */
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam, ArkTeamStatus } from "#core/api/v1alpha1/ark-team.ts";
import { type Verdict, withCondition } from "./conditions.ts";
import { roleAgentName } from "./role-agents.ts";

export type TeamRuns = {
  readonly newest?: ArkRun;
  /** A run has not ended. */
  readonly active: boolean;
};

export type TeamView = {
  readonly verdict: Verdict;
  readonly runs: TeamRuns;
  /** Of the team's namespace. */
  readonly agent: (name: string) => ArkAgent | undefined;
  /** Where a CloudEvent starts the team; absent where nobody listens for one. */
  readonly address?: string;
  readonly now: number;
};

export function teamStatus(team: ArkTeam, { verdict, runs, agent, address, now }: TeamView): ArkTeamStatus {
  const { generation = 1 } = team.metadata;
  const last = lastPhase(runs.newest);
  const entryRole = team.spec.pipeline.find((step) => (step.dependsOn ?? []).length === 0)?.role;
  return {
    observedGeneration: generation,
    conditions: withCondition(team.status?.conditions, "Ready", verdict, { now, generation }),
    phase: phaseOf(verdict, runs.active, last),
    roles: rolesOf(team, agent),
    ...(entryRole !== undefined && { entryRole }),
    ...(last !== undefined && { lastRunPhase: last }),
    ...activity(team, runs.newest),
    ...(address !== undefined && { address: { url: address } }),
  };
}

/** A role that is a team has no instances of its own; of one whose agent is not there nothing is known. */
function rolesOf(team: ArkTeam, agent: TeamView["agent"]): NonNullable<ArkTeamStatus["roles"]> {
  return team.spec.roles.map((role) => {
    const { name, model, arkTeam } = role;
    if (arkTeam !== undefined) return { name };
    const agentName = roleAgentName(team.metadata.name ?? "", role);
    const { readyReplicas, desiredReplicas } = agent(agentName)?.status ?? {};
    return {
      name,
      ...(readyReplicas !== undefined && { readyReplicas }),
      ...(desiredReplicas !== undefined && { desiredReplicas }),
      ...(model !== undefined && { managedArkAgent: agentName }),
    };
  });
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
