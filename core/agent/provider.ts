/** Which provider serves a model: by the prefix of its name, each address and key overridable (api 3, D31). */
import type { ProviderChoice } from "./ports.ts";

export type ProviderAccess = { readonly baseUrl?: string; readonly apiKey?: string };
export type Providers = {
  readonly anthropic: ProviderAccess;
  readonly gemini: ProviderAccess;
  readonly openai: ProviderAccess;
  /** The scripted model server. */
  readonly mock: ProviderAccess;
};

type Known = {
  readonly name: keyof Providers;
  readonly models: RegExp;
  readonly baseUrl?: string;
  readonly keyVariable: string;
};

const KNOWN: readonly Known[] = [
  { name: "mock", models: /^mock/, keyVariable: "" },
  {
    name: "anthropic",
    models: /^claude-/,
    baseUrl: "https://api.anthropic.com/v1",
    keyVariable: "ANTHROPIC_API_KEY",
  },
  {
    name: "gemini",
    models: /^gemini-/,
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyVariable: "GEMINI_API_KEY",
  },
  { name: "openai", models: /^(gpt-|o\d)/, baseUrl: "https://api.openai.com/v1", keyVariable: "OPENAI_API_KEY" },
];

/** An empty variable is unset. */
export function readProviders(env: Readonly<Record<string, string | undefined>>): Providers {
  const access = (prefix: string): ProviderAccess => {
    const baseUrl = env[`${prefix}_BASE_URL`]?.trim() ?? "";
    const apiKey = env[`${prefix}_API_KEY`]?.trim() ?? "";
    return { ...(baseUrl !== "" && { baseUrl }), ...(apiKey !== "" && { apiKey }) };
  };
  return {
    anthropic: access("ANTHROPIC"),
    gemini: access("GEMINI"),
    openai: access("OPENAI"),
    mock: access("ARK_MOCK"),
  };
}

/** As the GenAI semantic conventions call it (`gen_ai.provider.name`); what is served like OpenAI counts as that. */
export function providerName(model: string): string {
  const name = KNOWN.find(({ models }) => models.test(model))?.name ?? "openai";
  return name === "gemini" ? "gcp.gemini" : name;
}

/** A name of no known prefix goes to `OPENAI_BASE_URL` when that is set, and is refused otherwise: never a guess. */
export function chooseProvider(model: string, providers: Providers): ProviderChoice {
  const known = KNOWN.find(({ models }) => models.test(model));
  if (known !== undefined) return knownProvider(model, known, providers[known.name]);
  const { baseUrl } = providers.openai;
  if (baseUrl !== undefined) return { kind: "provider", provider: { ...providers.openai, baseUrl } };
  const reason = `model "${model}" is of no known provider (claude-, gemini-, gpt-, o1…, mock); set OPENAI_BASE_URL to serve it`;
  return { kind: "unknown", code: "UnknownModel", reason };
}

/** An address of the user's own may need no key; the public ones do. */
function knownProvider(model: string, known: Known, access: ProviderAccess): ProviderChoice {
  const { apiKey } = access;
  const baseUrl = access.baseUrl ?? known.baseUrl;
  if (baseUrl === undefined) {
    const reason = `model "${model}" is served by the scripted model server of local mode, which is not running`;
    return { kind: "unknown", code: "UnknownModel", reason };
  }
  if (apiKey === undefined && access.baseUrl === undefined) {
    return { kind: "unknown", code: "MissingCredentials", reason: `model "${model}" needs ${known.keyVariable}` };
  }
  return { kind: "provider", provider: { baseUrl, ...(apiKey !== undefined && { apiKey }) } };
}
