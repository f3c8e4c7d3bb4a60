/** `ark status [TEAM|RUN]`: all teams and what runs, one team with its runs, or one run's story. */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster, Key } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { TEAM_LABEL } from "../new-run.ts";
import type { CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";
import { runReport, runStory } from "../render/run-story.ts";
import { durationOf, isEnded } from "../render/run-view.ts";
import { oneLine } from "../render/style.ts";
import { table } from "../render/table.ts";
import { age, elapsed } from "../render/time.ts";
import { runViewOf } from "../run-view.ts";
import { wholeOutput } from "../whole-output.ts";
import { finishRuns } from "./finish.ts";
import { newestFirst } from "./newest.ts";

export type StatusOptions = CommonOptions & { readonly allNamespaces?: boolean; readonly watch?: boolean };

const RECENT_RUNS = 10;

export async function status(
  cluster: Cluster,
  name: string | undefined,
  options: StatusOptions,
  io: Io,
): Promise<number> {
  if (name === undefined) return overview(cluster, options, io);
  const key = { namespace: options.namespace, name };
  const run = await cluster.get("ArkRun", key);
  if (run !== undefined) return runStatus(cluster, run, key, options, io);
  const team = await cluster.get("ArkTeam", key);
  if (team !== undefined) return teamStatus(cluster, team, options, io);
  throw new ArkError(
    "object.not_found",
    `there is no run and no team ${name} in namespace ${key.namespace}`,
    `List what is there: ark status -n ${key.namespace}`,
  );
}

async function runStatus(cluster: Cluster, run: ArkRun, key: Key, options: StatusOptions, io: Io): Promise<number> {
  const view = await wholeOutput(cluster, runViewOf(run), io);
  if (options.watch === true && !isEnded(view)) {
    return finishRuns(cluster, [key], { progress: io.live ? "live" : "lines", output: options.output }, io);
  }
  const paint = { now: io.now(), columns: io.columns(), style: io.outStyle };
  printResult(io, options.output, runReport(view, io.now()), () => runStory(view, paint));
  return EXIT.done;
}

async function teamStatus(cluster: Cluster, team: ArkTeam, options: StatusOptions, io: Io): Promise<number> {
  const name = team.metadata.name ?? "";
  const found = await cluster.list("ArkRun", { namespace: options.namespace, labels: { [TEAM_LABEL]: name } });
  const runs = newestFirst(found).slice(0, RECENT_RUNS);
  printResult(
    io,
    options.output,
    { team, runs: runs.map((run) => runReport(runViewOf(run), io.now())) },
    () =>
      `${io.outStyle.bold(name)}  ${team.status?.phase ?? "Pending"}${notReady(team)}\n\n${runTable(runs, io, false)}`,
  );
  return EXIT.done;
}

function notReady(team: ArkTeam): string {
  const ready = team.status?.conditions?.find((condition) => condition.type === "Ready");
  return ready === undefined || ready.status === "True" ? "" : `: ${ready.reason}: ${oneLine(ready.message)}`;
}

async function overview(cluster: Cluster, options: StatusOptions, io: Io): Promise<number> {
  const scope = options.allNamespaces === true ? {} : { namespace: options.namespace };
  const [teams, found] = await Promise.all([cluster.list("ArkTeam", scope), cluster.list("ArkRun", scope)]);
  const runs = newestFirst(found);
  const shown = [...runs.filter((run) => !isEnded(runViewOf(run))), ...runs.filter((run) => isEnded(runViewOf(run)))];
  const withNamespace = options.allNamespaces === true;
  printResult(io, options.output, { teams, runs: runs.map((run) => runReport(runViewOf(run), io.now())) }, () =>
    [
      `Connected to ${cluster.description}\n`,
      teams.length === 0 ? "No teams.\n" : teamTable(teams, withNamespace),
      shown.length === 0 ? "No runs yet.\n" : runTable(shown.slice(0, RECENT_RUNS), io, withNamespace),
    ].join("\n"),
  );
  return EXIT.done;
}

function teamTable(teams: readonly ArkTeam[], withNamespace: boolean): string {
  const rows = teams.map(({ metadata, status: now }) => [
    ...(withNamespace ? [metadata.namespace ?? ""] : []),
    metadata.name ?? "",
    now?.phase ?? "Pending",
    now?.lastRunPhase ?? "",
    now?.lastRunName ?? "",
  ]);
  return table([...(withNamespace ? ["Namespace"] : []), "Team", "Phase", "Last", "Last run"], rows);
}

function runTable(runs: readonly ArkRun[], io: Io, withNamespace: boolean): string {
  if (runs.length === 0) return "No runs yet.\n";
  const rows = runs.map((run) => {
    const view = runViewOf(run);
    const created = Date.parse(run.metadata.creationTimestamp ?? "");
    return [
      ...(withNamespace ? [view.namespace] : []),
      view.name,
      view.of,
      view.phase,
      view.reason === undefined || view.reason === view.phase ? "" : view.reason,
      String(view.tokens),
      elapsed(durationOf(view, io.now())),
      Number.isNaN(created) ? "" : age(io.now() - created),
    ];
  });
  return table(
    [...(withNamespace ? ["Namespace"] : []), "Run", "Of", "Phase", "Reason", "Tokens", "Took", "Age"],
    rows,
  );
}
