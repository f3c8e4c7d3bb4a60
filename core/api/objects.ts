/** The Ark kinds by name, for ports and tables that work on any of them. */
import type { ArkAgent } from "./v1alpha1/ark-agent.ts";
import type { ArkEvent } from "./v1alpha1/ark-event.ts";
import type { ArkRun } from "./v1alpha1/ark-run.ts";
import type { ArkService } from "./v1alpha1/ark-service.ts";
import type { ArkSettings } from "./v1alpha1/ark-settings.ts";
import type { ArkTeam } from "./v1alpha1/ark-team.ts";

export type ObjectByKind = {
  readonly ArkEvent: ArkEvent;
  readonly ArkTeam: ArkTeam;
  readonly ArkAgent: ArkAgent;
  readonly ArkRun: ArkRun;
  readonly ArkService: ArkService;
  readonly ArkSettings: ArkSettings;
};
export type Kind = keyof ObjectByKind;
export type ObjectOf<K extends Kind> = ObjectByKind[K];
export type ArkObject = ObjectByKind[Kind];

/** The kinds as paths of the Kubernetes API name them. */
export const PLURALS: Readonly<Record<Kind, string>> = {
  ArkEvent: "arkevents",
  ArkTeam: "arkteams",
  ArkAgent: "arkagents",
  ArkRun: "arkruns",
  ArkService: "arkservices",
  ArkSettings: "arksettings",
};
