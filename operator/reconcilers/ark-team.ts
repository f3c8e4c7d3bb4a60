/**
 * ArkTeam → ArkAgents of its inline roles, a verdict on its pipeline, phase and last run, and no more ended runs than
 * its limits keep.
 *
 * M1  An ArkAgent that another object owns, or that stands for itself, is never taken over (E17).
 * M2  Runs that have not ended are never let go (D52).
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { parseDuration } from "#core/duration.ts";
import type { Verdict } from "#core/reconcile/conditions.ts";
import { prunable } from "#core/reconcile/retention.ts";
import { nameTaken, roleAgents } from "#core/reconcile/role-agents.ts";
import { teamStatus, type TeamRuns } from "#core/reconcile/team-status.ts";
import { judgeTeam } from "#core/reconcile/team-verdict.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { DONE, type Deps } from "../deps.ts";
import { eventAddress } from "../resources/names.ts";
import { asRun } from "../state/run-record.ts";
import { regarding, tellNormal, tellWarning } from "../tell.ts";
import { writeStatus } from "../write-status.ts";

/** Ended runs are let go by age too. */
const AGE_LOOK_MS = 60_000;

export async function reconcileTeam(key: string, deps: Deps): Promise<WorkOutcome> {
  const team = deps.informers.teams.get(key);
  if (team === undefined) deps.judged.teams.forget(key);
  if (team === undefined || team.metadata.deletionTimestamp !== undefined) return DONE;
  const verdict = (await reconcileRoles(team, deps)) ?? (await judge(team, deps));
  const runs = runsOf(team, deps);
  const { namespace } = nameOf(team);
  const status = teamStatus(team, {
    verdict,
    runs: newestOf(runs),
    agent: (name) => deps.informers.agents.get(`${namespace}/${name}`),
    address: eventAddress(team, deps.config),
    now: deps.now(),
  });
  // Before the team is ready: who follows its first run finds the record open.
  await deps.recordTokens.ensure(namespace);
  await writeStatus(deps.objects, "ArkTeam", team, status);
  tellVerdict(team, verdict, deps);
  await letGo(team, runs, deps);
  return team.spec.runRetainFor === undefined || runs.length === 0
    ? DONE
    : { kind: "wait", reason: "runs age", afterMs: AGE_LOOK_MS };
}

/** A role whose agent cannot be had, or undefined. */
async function reconcileRoles(team: ArkTeam, deps: Deps): Promise<Verdict | undefined> {
  const { informers, objects } = deps;
  const { namespace } = nameOf(team);
  const wanted = new Map(roleAgents(team).map((agent) => [agent.metadata.name ?? "", agent]));
  for (const agent of informers.agents.values()) {
    const { name } = nameOf(agent);
    if (nameOf(agent).namespace === namespace && isOwnedBy(agent, team) && !wanted.has(name))
      await objects.delete("ArkAgent", { namespace, name });
  }
  for (const [name, agent] of wanted) {
    if (name.length > MAX_NAME) continue;
    const stored = informers.agents.get(`${namespace}/${name}`);
    if (stored !== undefined && !isOwnedBy(stored, team)) return nameTaken(name);
    if (!isApplied(stored, agent)) await objects.apply("ArkAgent", agent);
  }
  return undefined;
}

const MAX_NAME = 40;

/** M1. */
function isOwnedBy({ metadata }: ArkAgent, team: ArkTeam): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === team.metadata.uid) === true;
}

/** Everything that is wanted is there; what the schema's defaults add is theirs. */
function isApplied(stored: ArkAgent | undefined, wanted: ArkAgent): boolean {
  if (stored === undefined) return false;
  return covers(stored.spec, wanted.spec) && covers(wanted.spec, stored.spec);
}

function covers(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null || Array.isArray(whole) !== Array.isArray(part)) return false;
  const of = new Map(Object.entries(whole));
  return Object.entries(part).every(([key, value]) => value === undefined || covers(of.get(key), value));
}

async function judge(team: ArkTeam, { informers, judged }: Deps): Promise<Verdict> {
  const { namespace, name } = nameOf(team);
  return judgeTeam(team, {
    faults: await judged.teams.of(`${namespace}/${name}`, team),
    hasAgent: (agent) => informers.agents.get(`${namespace}/${agent}`) !== undefined,
    team: (other) => informers.teams.get(`${namespace}/${other}`),
  });
}

function runsOf(team: ArkTeam, { informers }: Deps): readonly ArkRun[] {
  const { namespace, name } = nameOf(team);
  return [...informers.runs.values()].filter((run) => run.team === name && run.namespace === namespace).map(asRun);
}

function newestOf(runs: readonly ArkRun[]): TeamRuns {
  const createdAt = ({ metadata }: ArkRun) => metadata.creationTimestamp ?? "";
  const [newest] = runs.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : -1));
  return { ...(newest !== undefined && { newest }), active: runs.some((run) => !isEnded(run)) };
}

function isEnded({ status }: ArkRun): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function tellVerdict(team: ArkTeam, { status, reason, message }: Verdict, { recorder }: Deps): void {
  const before = team.status?.conditions?.find(({ type }) => type === "Ready");
  if (before?.status === status && before.reason === reason) return;
  const object = regarding("ArkTeam", team);
  if (status === "True") tellNormal(recorder, object, "TeamReconciled", message);
  else tellWarning(recorder, object, "TopologyInvalid", `${reason}: ${message}`);
}

/** M2. */
async function letGo(team: ArkTeam, runs: readonly ArkRun[], deps: Deps): Promise<void> {
  const { objects, now, recorder } = deps;
  const { runRetainFor } = team.spec;
  const retainForMs = runRetainFor === undefined ? undefined : parseDuration(runRetainFor);
  const ended = runs.filter((run) => isEnded(run) && run.metadata.deletionTimestamp === undefined);
  const { namespace } = nameOf(team);
  for (const name of prunable(team.spec, ended, now(), retainForMs)) {
    await objects.delete("ArkRun", { namespace, name });
    tellNormal(
      recorder,
      regarding("ArkTeam", team),
      "RunPruned",
      `run ${name} was let go by the team's history limits`,
    );
  }
}
