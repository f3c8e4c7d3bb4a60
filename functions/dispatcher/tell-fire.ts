/** A fire that started nothing, told on its ArkEvent (api 16); the operator tells of those that did. */
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Recorder } from "#platform/kube/events.ts";
import type { FireRecord } from "./deps.ts";

export function tellFire(fire: FireRecord, recorder: Recorder): void {
  if (fire.outcome === "fired") return;
  const { namespace, event: name, uid, reason = "Unknown", message = "" } = fire;
  const told =
    fire.outcome === "skipped"
      ? ({ type: "Normal", reason: "Skipped", action: "Skipped" } as const)
      : ({ type: "Warning", reason: "DeadLettered", action: "DeadLettered" } as const);
  const regarding = { apiVersion: API_VERSION, kind: "ArkEvent", namespace, name, uid };
  recorder.tell(regarding, { ...told, note: `${reason}: ${message}` });
}
