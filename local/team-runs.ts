/**
 * Runs by team, kept as they change: asking for a team's newest run costs nothing per run, so that a burst of runs, each
 * of which makes somebody ask, costs no square of them.
 *
 * I1  `newest` is the run that was created last; of two of one second, the one that was seen first.
 */
import { keyOf } from "#core/api/object-key.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { TeamRuns } from "#core/reconcile/team-status.ts";

type Team = { readonly runs: Map<string, ArkRun>; active: number; newest: string | undefined };

export class RunsByTeam {
  readonly #teams = new Map<string, Team>();

  set(run: ArkRun): void {
    const team = this.#teamOf(run);
    const key = keyOf(run);
    team.active += activity(run) - activity(team.runs.get(key));
    team.runs.set(key, run);
    const newest = team.newest === undefined ? undefined : team.runs.get(team.newest);
    if (newest === undefined || createdAt(run) > createdAt(newest)) team.newest = key;
  }

  delete(run: ArkRun): void {
    const team = this.#teamOf(run);
    const key = keyOf(run);
    team.active -= activity(team.runs.get(key));
    team.runs.delete(key);
    if (team.newest === key) team.newest = newestOf(team.runs.values());
    if (team.runs.size === 0) this.#teams.delete(teamKeyOf(run));
  }

  of(teamKey: string): TeamRuns {
    const team = this.#teams.get(teamKey);
    const newest = team?.newest === undefined ? undefined : team.runs.get(team.newest);
    return { ...(newest !== undefined && { newest }), active: (team?.active ?? 0) > 0 };
  }

  ended(teamKey: string): readonly ArkRun[] {
    return [...(this.#teams.get(teamKey)?.runs.values() ?? [])].filter(hasEnded);
  }

  #teamOf(run: ArkRun): Team {
    const key = teamKeyOf(run);
    const team = this.#teams.get(key) ?? { runs: new Map(), active: 0, newest: undefined };
    this.#teams.set(key, team);
    return team;
  }
}

export function hasEnded({ status }: ArkRun): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function activity(run: ArkRun | undefined): 0 | 1 {
  return run === undefined || hasEnded(run) ? 0 : 1;
}

function newestOf(runs: Iterable<ArkRun>): string | undefined {
  let newest: ArkRun | undefined;
  for (const run of runs) if (newest === undefined || createdAt(run) > createdAt(newest)) newest = run;
  return newest === undefined ? undefined : keyOf(newest);
}

function teamKeyOf(run: ArkRun): string {
  return `${run.metadata.namespace ?? "default"}/${run.spec.teamRef ?? ""}`;
}

function createdAt(run: ArkRun): number {
  return Date.parse(run.metadata.creationTimestamp ?? "") || 0;
}
