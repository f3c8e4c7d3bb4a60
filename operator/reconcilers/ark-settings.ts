/** ArkSettings: accepted as its schema accepts it, and whoever refers to it is looked at again by its watch. */
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { withCondition } from "#core/reconcile/conditions.ts";
import { DONE, type Deps } from "../deps.ts";
import { writeStatus } from "../write-status.ts";

export async function reconcileSettings(key: string, { informers, objects, now }: Deps): Promise<WorkOutcome> {
  const settings = informers.settings.get(key);
  if (settings === undefined || settings.metadata.deletionTimestamp !== undefined) return DONE;
  const { generation = 1 } = settings.metadata;
  const verdict = { status: "True", reason: "Accepted", message: "agents may refer to it" } as const;
  const conditions = withCondition(settings.status?.conditions, "Ready", verdict, { now: now(), generation });
  await writeStatus(objects, "ArkSettings", settings, { observedGeneration: generation, conditions });
  return DONE;
}
