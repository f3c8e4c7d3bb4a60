/** A run's turns, told on the run itself. */
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { runTurn } from "./state/run-turn.ts";
import type { RunView } from "./state/views.ts";

export function tellTurn(now: RunView | undefined, before: RunView | undefined, recorder: Recorder): void {
  const turn = runTurn(now, before);
  if (turn === undefined || now === undefined) return;
  const { namespace, name, uid } = now;
  recorder.tell({ apiVersion: API_VERSION, kind: "ArkRun", namespace, name, uid }, { ...turn, action: turn.reason });
}
