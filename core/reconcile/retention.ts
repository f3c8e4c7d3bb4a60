/**
 * Which ended runs are let go.
 *
 * T1  A team says how many of its runs are kept (api 2). Runs of no team are kept as a team's are that says nothing: so
 *     many of each agent, and of each service, whose runs are nobody else's.
 * T2  What belongs to no team stays for a while whatever the counts: whoever gave a service a task comes back for it.
 */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";

export type HistoryLimits = Pick<ArkTeam["spec"], "successfulRunsHistoryLimit" | "failedRunsHistoryLimit">;

/** Those of a team that says nothing. */
const DEFAULT_LIMITS: HistoryLimits = { successfulRunsHistoryLimit: 10, failedRunsHistoryLimit: 3 };
/** T2. */
const KEPT_MS = 600_000;

/** Names of ended runs that the history limits and `runRetainFor` let go (api 2). */
export function prunable(
  limits: HistoryLimits,
  ended: readonly ArkRun[],
  now: number,
  retainForMs: number | undefined,
): string[] {
  const newestFirst = ended.toSorted((a, b) => endOf(b) - endOf(a));
  const of = (phase: string) => newestFirst.filter((run) => run.status?.phase === phase);
  const over = [
    ...of("Succeeded").slice(limits.successfulRunsHistoryLimit),
    ...of("Failed").slice(limits.failedRunsHistoryLimit),
  ];
  const old = retainForMs === undefined ? [] : newestFirst.filter((run) => now - endOf(run) > retainForMs);
  return [...new Set([...over, ...old].map((run) => run.metadata.name ?? ""))];
}

/** T1, T2; of all ended runs, those of teams among them. */
export function prunableTeamless(
  ended: Iterable<ArkRun>,
  now: number,
): { readonly namespace: string; readonly name: string }[] {
  const groups = new Map<string, ArkRun[]>();
  for (const run of ended) {
    const whose = whoseOf(run);
    if (whose === undefined) continue;
    const group = groups.get(whose) ?? [];
    group.push(run);
    groups.set(whose, group);
  }
  return [...groups.values()].flatMap((runs) => {
    const byName = new Map(runs.map((run) => [run.metadata.name ?? "", run]));
    return prunable(DEFAULT_LIMITS, runs, now, undefined)
      .filter((name) => now - endOf(byName.get(name)) > KEPT_MS)
      .map((name) => ({ namespace: byName.get(name)?.metadata.namespace ?? "default", name }));
  });
}

function whoseOf({ metadata, spec }: ArkRun): string | undefined {
  if (spec.teamRef !== undefined || spec.agent === undefined) return undefined;
  const { namespace = "default", labels } = metadata;
  const service = labels?.["arkonis.dev/service"];
  return service === undefined ? `${namespace}/agent/${spec.agent}` : `${namespace}/service/${service}`;
}

function endOf(run: ArkRun | undefined): number {
  return Date.parse(run?.status?.completionTime ?? run?.metadata.creationTimestamp ?? "1970-01-01T00:00:00Z");
}
