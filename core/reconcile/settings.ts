/** Status of an ArkSettings: accepted as its schema accepts it (api 6). */
import type { ArkSettings, ArkSettingsStatus } from "#core/api/v1alpha1/ark-settings.ts";
import { withCondition } from "./conditions.ts";

export function settingsStatus({ metadata, status }: ArkSettings, now: number): ArkSettingsStatus {
  const { generation = 1 } = metadata;
  const verdict = { status: "True", reason: "Accepted", message: "agents may refer to it" } as const;
  return {
    observedGeneration: generation,
    conditions: withCondition(status?.conditions, "Ready", verdict, { now, generation }),
  };
}
