/** A service's token reads the tasks of that service, and of no other. */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import type { RouterDeps } from "./deps.ts";
import { serviceOfRun } from "./take.ts";

/** `state` is undefined while the task is taken and its run has not begun. */
export async function ownState(
  { namespace, name }: ServiceRecord,
  run: string,
  deps: RouterDeps,
): Promise<{ readonly state: RunState | undefined } | "unknown"> {
  if (!DNS_LABEL.test(run)) return "unknown";
  const state = (await deps.states.get({ namespace, run }))?.state;
  const owner = state === undefined ? await serviceOfRun(namespace, run, deps) : state.via?.service;
  return owner === name ? { state } : "unknown";
}
