/** Kubernetes Events of the operator (api 16). */
import type { Kind } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Recorder, Regarding } from "#platform/kube/events.ts";

type Named = {
  readonly metadata: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
};

export function regarding(kind: Kind, { metadata }: Named): Regarding {
  const { namespace = "default", name = "", uid = "" } = metadata;
  return { apiVersion: API_VERSION, kind, namespace, name, uid };
}

export function tellNormal(recorder: Recorder, object: Regarding, reason: string, note: string): void {
  recorder.tell(object, { type: "Normal", reason, action: reason, note });
}

export function tellWarning(recorder: Recorder, object: Regarding, reason: string, note: string): void {
  recorder.tell(object, { type: "Warning", reason, action: reason, note });
}
