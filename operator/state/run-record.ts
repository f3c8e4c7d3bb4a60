/** A remembered run in the shape that the rules shared with local mode read. */
import type { ArkRun, ArkRunStatus } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { LABELS } from "#core/runs/run-object.ts";
import type { RunView } from "./views.ts";

const PHASES = ["Pending", "Running", "Succeeded", "Failed"] as const;

export function asRun(run: RunView): ArkRun {
  const phase = PHASES.find((one) => one === run.phase);
  const status: ArkRunStatus = {
    ...(phase !== undefined && { phase }),
    ...(run.completedAt !== undefined && { completionTime: run.completedAt }),
    ...(run.startedAt !== undefined && { startTime: run.startedAt }),
  };
  return {
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata: {
      namespace: run.namespace,
      name: run.name,
      uid: run.uid,
      creationTimestamp: run.createdAt,
      ...(run.service !== undefined && { labels: { [LABELS.service]: run.service } }),
      ...(run.deleting && { deletionTimestamp: run.createdAt }),
    },
    spec: {
      ...(run.team !== undefined && { teamRef: run.team }),
      ...(run.agent !== undefined && { agent: run.agent }),
    },
    status,
  };
}
