/**
 * What an ArkRun needs of the operator: one action at a time, the most urgent first.
 *
 * R1  The finalizer is there before the run is started by hand: whatever has a record is purged with its object.
 * R2  A run that goes on is cancelled before its record is (api 4).
 * R3  A run of an event or of another run is announced by whoever made it; only where that failed, from here.
 */
import { RUN_FINALIZER } from "#core/runs/run-object.ts";
import { hasEnded, type RunView } from "./views.ts";

export type RunAction =
  | { readonly kind: "nothing" }
  | { readonly kind: "cancel"; readonly message: string }
  /** Nobody runs it any more: its record goes, then the object. */
  | { readonly kind: "purge" }
  | { readonly kind: "hold" }
  | { readonly kind: "start" }
  | { readonly kind: "wait"; readonly afterMs: number };

/** Whoever announces a run does so within a second; a dispatcher that died in between is tried again by its broker. */
const ANNOUNCED_WITHIN_MS = 15_000;

export type RecordState = "absent" | "running" | "ended";

export function runAction(run: RunView, record: RecordState, now: number): RunAction {
  if (run.deleting) return whenDeleting(run, record);
  if (!run.finalizers.includes(RUN_FINALIZER)) return { kind: "hold" };
  if (run.cancelled && !hasEnded(run)) return whenCancelled(run, record);
  if (run.phase !== undefined) return { kind: "nothing" };
  const age = now - Date.parse(run.createdAt);
  if (run.isDerived && age < ANNOUNCED_WITHIN_MS) return { kind: "wait", afterMs: ANNOUNCED_WITHIN_MS - age };
  return { kind: "start" };
}

function whenDeleting(run: RunView, record: RecordState): RunAction {
  if (!run.finalizers.includes(RUN_FINALIZER)) return { kind: "nothing" };
  // R2.
  if (record === "running") return { kind: "cancel", message: "the run was deleted" };
  return { kind: "purge" };
}

/** A run that has not begun begins, so that it can end as cancelled. */
function whenCancelled(run: RunView, record: RecordState): RunAction {
  if (record === "absent" && run.phase === undefined) return { kind: "start" };
  return record === "ended" ? { kind: "nothing" } : { kind: "cancel", message: "cancelled by annotation" };
}
