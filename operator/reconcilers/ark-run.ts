/** ArkRun: started where nobody announced it, cancelled, and purged with its object. Its status is the collector's (P5). */
import type { RunRef } from "#core/ports/record.ts";
import { completeRun } from "#core/runs/complete-run.ts";
import { RUN_FINALIZER } from "#core/runs/run-object.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { DONE, type Deps } from "../deps.ts";
import { type RecordState, runAction } from "../state/run-action.ts";
import { hasEnded, type RunView } from "../state/views.ts";

/** How often an end is looked for that a deletion waits for. */
const END_LOOK_MS = 1_000;
/** A run that was started has its first status well within this. */
const START_LOOK_MS = 30_000;

export async function reconcileRun(key: string, deps: Deps): Promise<WorkOutcome> {
  const run = deps.informers.runs.get(key);
  if (run === undefined || isAtRest(run)) return DONE;
  if (!run.deleting) await deps.recordTokens.ensure(run.namespace);
  const action = runAction(run, await recordOf(run, deps), deps.now());
  switch (action.kind) {
    case "nothing":
      return DONE;
    case "wait":
      return { kind: "wait", reason: "announced by whoever made it", afterMs: action.afterMs };
    case "hold":
      await deps.finalizers.add("ArkRun", run, RUN_FINALIZER);
      return DONE;
    case "start":
      return start(run, deps);
    case "cancel":
      await deps.facts.publish(refOf(run), { kind: "run.cancel", at: deps.now(), message: action.message });
      return { kind: "wait", reason: "the run ends", afterMs: END_LOOK_MS };
    case "purge":
      return purge(run, deps);
  }
}

function isAtRest(run: RunView): boolean {
  if (run.deleting || !run.finalizers.includes(RUN_FINALIZER)) return false;
  return hasEnded(run) || (run.phase !== undefined && !run.cancelled);
}

/** Only an end that somebody asks for depends on it: most runs cost no look. */
async function recordOf(run: RunView, { states }: Deps): Promise<RecordState> {
  if (!run.deleting && !run.cancelled) return "absent";
  const entry = await states.get(refOf(run));
  if (entry === undefined || entry.state.uid !== run.uid) return "absent";
  return entry.state.phase.kind === "running" ? "running" : "ended";
}

async function start(run: RunView, deps: Deps): Promise<WorkOutcome> {
  const object = await deps.objects.get("ArkRun", run);
  if (object === undefined || object.metadata.uid !== run.uid) return DONE;
  const outcome = await completeRun(object, deps);
  if (outcome.kind === "retry") return { kind: "wait", reason: outcome.reason, afterMs: outcome.afterMs };
  if (run.cancelled)
    await deps.facts.publish(refOf(run), { kind: "run.cancel", at: deps.now(), message: "cancelled by annotation" });
  return { kind: "wait", reason: "its first status", afterMs: START_LOOK_MS };
}

async function purge(run: RunView, deps: Deps): Promise<WorkOutcome> {
  await deps.states.delete(refOf(run));
  await deps.facts.purge(refOf(run));
  await deps.finalizers.remove("ArkRun", run, RUN_FINALIZER);
  return DONE;
}

function refOf({ namespace, name, uid }: RunView): RunRef {
  return { namespace, run: name, uid };
}
