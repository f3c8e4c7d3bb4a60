/** `ark run FILE`: one run without a cluster, in a local instance of its own that is gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { formatDuration } from "#core/duration.ts";
import { ArkError } from "#core/errors.ts";
import { resolveInput } from "#core/pipeline/inputs.ts";
import { planTeam } from "#core/pipeline/plan.ts";
import { type Adjust, type AdjustOptions, adjustment } from "../adjust.ts";
import { checkManifests, objectsOf, type Manifests } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { clusterOf, modelsText, type ProviderName, type StartLocal } from "../local-host.ts";
import { createLogger, type Level } from "../log.ts";
import { createRun, newRun } from "../new-run.ts";
import { durationOption, inputOption, usage, type CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";
import { planText, runPlan } from "../render/plan.ts";
import { requireInput } from "../require-input.ts";
import { finishRuns } from "./finish.ts";

export type RunOptions = CommonOptions &
  AdjustOptions & {
    readonly team?: string;
    readonly input: readonly string[];
    readonly provider?: ProviderName;
    readonly dryRun?: boolean;
    readonly timeout?: string;
    readonly logLevel: Level;
  };
export type RunDeps = {
  /** A running `ark up`, if there is one. */
  readonly running: () => Promise<Cluster | undefined>;
  readonly startLocal: StartLocal;
};

export async function run(file: string, options: RunOptions, deps: RunDeps, io: Io): Promise<number> {
  const timeoutMs = options.timeout === undefined ? undefined : durationOption("--timeout", options.timeout);
  const source = path.resolve(io.cwd, file);
  const written = chooseTeam(await valid(source, io), options.team, file);
  const adjust = adjustment(options, written.metadata.name ?? "");
  const team = adjust === undefined ? written : (adjust(written) as ArkTeam);
  const input = { ...team.spec.input, ...inputOption(options.input) };
  requireInput(team, input);
  if (options.dryRun === true) return dryRun(team, input, options, io);
  // What the flags change holds here alone: a running server answers for its own manifests.
  const asWritten = options.provider === undefined && adjust === undefined;
  const { namespace = options.namespace } = team.metadata;
  const up = asWritten ? await holder(team, namespace, deps) : undefined;
  if (up !== undefined) return runOn(up, team, { ...options, namespace }, timeoutMs, io);
  return runAlone(source, team, { ...options, ...(adjust && { adjust }) }, deps, timeoutMs, io);
}

async function valid(source: string, io: Io): Promise<Manifests> {
  const manifests = await checkManifests([source], { references: false });
  if (manifests.faults.length === 0) return manifests;
  const { invalidManifests } = await import("../../local/manifests/faults.ts");
  throw invalidManifests(manifests.faults, "nothing was changed", (name) => path.relative(io.cwd, name));
}

/** The one named, else the one that no other team runs as a role. */
function chooseTeam(manifests: Manifests, name: string | undefined, file: string): ArkTeam {
  const teams = objectsOf(manifests, "ArkTeam");
  const names = teams.map((team) => team.metadata.name ?? "");
  const nested = new Set(teams.flatMap((team) => team.spec.roles.map((role) => role.arkTeam)));
  const chosen = teams.filter((team) =>
    name === undefined ? !nested.has(team.metadata.name ?? "") : team.metadata.name === name,
  );
  const [team] = chosen;
  if (team !== undefined && chosen.length === 1) return team;
  if (teams.length === 0) throw usage(`${file} holds no ArkTeam`, "Give a file with the team to run.");
  if (name !== undefined) throw usage(`${file} holds no ArkTeam ${name}`, `It holds ${names.join(", ")}.`);
  throw usage(`${file} holds several teams`, `Choose one with --team: ${names.join(", ")}.`);
}

function dryRun(team: ArkTeam, input: Readonly<Record<string, string>>, options: RunOptions, io: Io): number {
  const name = team.metadata.name ?? "";
  const planned = planTeam(name, team.spec);
  // Faults of the graph were reported with the manifests'.
  if (planned.kind === "faults") throw new ArkError("internal", "the plan was valid a moment ago", "Report this.");
  const resolved = resolveInput({ ...team.spec, input });
  const plan = runPlan({ spec: team.spec, graph: planned.graph, input: resolved });
  printResult(io, options.output, { team: name, ...plan }, () => planText(name, plan, io.outStyle));
  return EXIT.done;
}

/** The running server knows this very team: then it runs there, and is kept. */
async function holder(team: ArkTeam, namespace: string, deps: RunDeps): Promise<Cluster | undefined> {
  const cluster = await deps.running();
  const stored = await cluster?.get("ArkTeam", { namespace, name: team.metadata.name ?? "" });
  return stored !== undefined && isDeepStrictEqual(stored.spec, team.spec) ? cluster : undefined;
}

async function runOn(
  cluster: Cluster,
  team: ArkTeam,
  options: RunOptions,
  timeoutMs: number | undefined,
  io: Io,
): Promise<number> {
  const input = inputOption(options.input);
  const spec = { teamRef: team.metadata.name ?? "", ...(Object.keys(input).length === 0 ? {} : { input }) };
  const key = await createRun(cluster, newRun(options.namespace, spec));
  io.err(io.style.dim(`${key.name} on ${cluster.description}\n`));
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return finishRuns(cluster, [key], { progress: io.live ? "live" : "lines", output: options.output, ...limit }, io);
}

async function runAlone(
  source: string,
  team: ArkTeam,
  options: RunOptions & { readonly adjust?: Adjust },
  deps: RunDeps,
  timeoutMs: number | undefined,
  io: Io,
): Promise<number> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "ark-run-"));
  try {
    const local = await deps.startLocal({
      sources: [source],
      dataDir,
      port: 0,
      provider: options.provider ?? "auto",
      env: io.env,
      log: createLogger(io, options.logLevel),
      signal: io.signal,
      ...(options.adjust && { adjust: options.adjust }),
    });
    io.err(io.style.dim(`${modelsText(local)}\n`));
    try {
      // Where local mode puts a team that names none, whatever -n says.
      const { namespace = "default" } = team.metadata;
      const code = await runOn(clusterOf(local, io), team, { ...options, namespace }, timeoutMs, io);
      await local.stop();
      return code;
    } catch (error) {
      await local.stopNow();
      throw gone(error, timeoutMs);
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Elsewhere a run that nobody waits for goes on; here nothing is left that would carry it on. */
function gone(error: unknown, timeoutMs = 0): unknown {
  if (!(error instanceof ArkError)) return error;
  const hint = "It is gone with its local instance: in `ark up`, runs go on.";
  if (error.code === "interrupted") return new ArkError("interrupted", error.message, hint);
  if (error.code !== "timeout") return error;
  return new ArkError("timeout", `the run has not ended within ${formatDuration(timeoutMs)}`, hint);
}
