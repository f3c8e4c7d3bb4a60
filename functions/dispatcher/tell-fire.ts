/** What a delivery came to, told on its ArkEvent (api 16); that a fire started its runs, the operator tells. */
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Recorder, Told } from "#platform/kube/events.ts";
import type { FireRecord } from "./deps.ts";

export function tellFire(fire: FireRecord, recorder: Recorder): void {
  const told = toldOf(fire);
  if (told === undefined) return;
  const { namespace, event: name, uid } = fire;
  recorder.tell({ apiVersion: API_VERSION, kind: "ArkEvent", namespace, name, uid }, told);
}

function toldOf({ outcome, created, reason = "Unknown", message = "" }: FireRecord): Told | undefined {
  const note = `${reason}: ${message}`;
  switch (outcome) {
    case "fired":
      return created > 0 ? undefined : normal("Duplicate", "a fire was delivered again: its runs had been started");
    case "skipped":
      return normal("Skipped", note);
    case "failed":
      return warning("FireFailed", `${note}; it is tried again`);
    case "dead-lettered":
      return warning("DeadLettered", note);
  }
}

function normal(reason: string, note: string): Told {
  return { type: "Normal", reason, action: reason, note };
}

function warning(reason: string, note: string): Told {
  return { type: "Warning", reason, action: reason, note };
}
