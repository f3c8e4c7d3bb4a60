/** Why an agent cannot work, and where its references are looked up. */
import type { ArkSettingsSpec } from "#core/api/v1alpha1/ark-settings.ts";
import type { ProviderChoice } from "./ports.ts";

/** Reasons of the ArkAgent's condition Ready=False (api 3). */
export type UnresolvedReason =
  | "PromptResolutionError"
  | "SettingsNotFound"
  | "UnknownModel"
  | "MissingCredentials"
  | "InvalidSpec";

/** What the agent's namespace holds. */
export type Lookups = {
  readonly configMapKey: (name: string, key: string) => string | undefined;
  readonly secretKey: (name: string, key: string) => string | undefined;
  readonly settings: (name: string) => ArkSettingsSpec | undefined;
  readonly providerFor: (model: string) => ProviderChoice;
  /** `stdio:` servers are processes beside the executor: one machine only. */
  readonly allowStdio: boolean;
};

/** Internal to `core/agent`: `resolveAgent` turns it into an outcome. */
export class Unresolved extends Error {
  readonly reason: UnresolvedReason;
  constructor(reason: UnresolvedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
