/** Kubernetes Events of the operator (api 16). */
import type { Kind } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Recorder, Regarding } from "#platform/kube/events.ts";
import type { Turn } from "./state/run-turn.ts";

type Named = {
  readonly metadata: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
};

export function regarding(kind: Kind, { metadata }: Named): Regarding {
  const { namespace = "default", name = "", uid = "" } = metadata;
  return { apiVersion: API_VERSION, kind, namespace, name, uid };
}

export function tellTurn(recorder: Recorder, object: Regarding, turn: Turn): void {
  recorder.tell(object, { ...turn, action: turn.reason });
}

export function tellNormal(recorder: Recorder, object: Regarding, reason: string, note: string): void {
  tellTurn(recorder, object, { type: "Normal", reason, note });
}

export function tellWarning(recorder: Recorder, object: Regarding, reason: string, note: string): void {
  tellTurn(recorder, object, { type: "Warning", reason, note });
}
