/**
 * Runs that were made by hand, and runs that nobody announced: the snapshot is filled in, then the run is announced.
 *
 * N1  One write turns `teamRef` and `input` into the whole snapshot, and it happens before the run starts (P5, api 4).
 * N2  A run that brings more than `teamRef` and `input` is announced as it is: a snapshot would drop its limits in
 *     silence (P5, P6). The engine refuses it where its pipeline is missing.
 */
import { isBare } from "#core/api/object-rules.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { StepResult } from "#core/events/facts.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { RunStates } from "#core/ports/record.ts";
import { carriedResults } from "./carried.ts";
import { ANNOTATIONS, LABELS, snapshot } from "./run-object.ts";
import { announce, type AnnounceDeps } from "./start-run.ts";

export type CompleteDeps = AnnounceDeps & {
  readonly objects: Pick<Objects, "get" | "update">;
  readonly states: Pick<RunStates, "get">;
};

const AGAIN_MS = 5_000;

/** `retry`: its team does not exist (yet). Announcing a run twice is harmless. */
export async function completeRun(run: ArkRun, deps: CompleteDeps): Promise<HandleOutcome> {
  const full = isBare(run.spec) ? await fillIn(run, deps) : run;
  if ("kind" in full && full.kind !== "ArkRun") return full;
  await announce(full, deps, await carriedOf(full, deps));
  return { kind: "done" };
}

async function fillIn(run: ArkRun, deps: CompleteDeps): Promise<ArkRun | HandleOutcome> {
  const { namespace = "", name = "" } = run.metadata;
  const teamName = run.spec.teamRef ?? "";
  const team = await deps.objects.get("ArkTeam", { namespace, name: teamName });
  if (team === undefined) return { kind: "retry", afterMs: AGAIN_MS, reason: `team ${teamName} does not exist` };
  const outcome = await deps.objects.update("ArkRun", { namespace, name }, (stored) =>
    isBare(stored.spec) ? filledIn(stored, team) : stored,
  );
  switch (outcome.kind) {
    case "updated":
      return outcome.object;
    case "conflict":
      return { kind: "retry", afterMs: AGAIN_MS, reason: "the run was changed meanwhile" };
    case "absent":
      return { kind: "done" };
  }
}

/** N1. With the label by which a team's runs are found (api 15). */
function filledIn({ metadata, spec, ...run }: ArkRun, team: ArkTeam): ArkRun {
  const labels = { ...metadata.labels, [LABELS.team]: team.metadata.name ?? "" };
  return {
    ...run,
    metadata: { ...metadata, labels },
    spec: snapshot(team, { ...team.spec.input, ...spec.input }),
  };
}

async function carriedOf(run: ArkRun, deps: CompleteDeps): Promise<Readonly<Record<string, StepResult>> | undefined> {
  const { namespace = "", annotations = {} } = run.metadata;
  const retryOf = annotations[ANNOTATIONS.retryOf];
  if (retryOf === undefined) return undefined;
  const earlier = await deps.states.get({ namespace, run: retryOf });
  if (earlier === undefined) return undefined;
  const again = (annotations[ANNOTATIONS.retrySteps] ?? "").split(",").filter(Boolean);
  return carriedResults(earlier.state, run.spec.pipeline ?? [], again);
}
