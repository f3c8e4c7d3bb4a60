/** ArkSettings: accepted as its schema accepts it, and whoever refers to it is looked at again by its watch. */
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { settingsStatus } from "#core/reconcile/settings.ts";
import { DONE, type Deps } from "../deps.ts";
import { writeStatus } from "../write-status.ts";

export async function reconcileSettings(key: string, { informers, objects, now }: Deps): Promise<WorkOutcome> {
  const settings = informers.settings.get(key);
  if (settings === undefined || settings.metadata.deletionTimestamp !== undefined) return DONE;
  await writeStatus(objects, "ArkSettings", settings, settingsStatus(settings, now()));
  return DONE;
}
