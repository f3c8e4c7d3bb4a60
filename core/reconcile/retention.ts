/** Which ended runs of a team are let go. */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";

/** Names of ended runs that the history limits and `runRetainFor` let go (api 2). */
export function prunable(
  team: ArkTeam,
  ended: readonly ArkRun[],
  now: number,
  retainForMs: number | undefined,
): string[] {
  const newestFirst = ended.toSorted((a, b) => endOf(b) - endOf(a));
  const of = (phase: string) => newestFirst.filter((run) => run.status?.phase === phase);
  const over = [
    ...of("Succeeded").slice(team.spec.successfulRunsHistoryLimit),
    ...of("Failed").slice(team.spec.failedRunsHistoryLimit),
  ];
  const old = retainForMs === undefined ? [] : newestFirst.filter((run) => now - endOf(run) > retainForMs);
  return [...new Set([...over, ...old].map((run) => run.metadata.name ?? ""))];
}

function endOf(run: ArkRun): number {
  return Date.parse(run.status?.completionTime ?? run.metadata.creationTimestamp ?? "1970-01-01T00:00:00Z");
}
