/** What an ArkAgent refers to in its namespace: whose change rolls out, and what its pods must find mounted. */
import { TLS_KEYS } from "#core/api/tls-secret.ts";
import type { ArkAgent, ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";
import type { SecretKeyRef } from "#core/api/v1alpha1/common.ts";

/** Keys by object, both sorted: equal agents give equal lists. */
export type Mounted = { readonly name: string; readonly keys: readonly string[] };

export type AgentRefs = {
  readonly configMaps: readonly Mounted[];
  readonly secrets: readonly Mounted[];
  readonly settings: readonly string[];
};

export function agentRefs({ spec }: ArkAgent): AgentRefs {
  const { configMapKeyRef, secretKeyRef } = spec.systemPromptRef ?? {};
  return {
    configMaps: grouped([configMapKeyRef]),
    secrets: grouped([secretKeyRef, ...mcpSecrets(spec), ...toolSecrets(spec)]),
    settings: settingsOf(spec),
  };
}

/** In the order in which they are laid over one another. */
export function settingsOf({ settingsRefs, configRef }: ArkAgentSpec): string[] {
  const refs = settingsRefs ?? (configRef === undefined ? [] : [configRef]);
  return refs.map(({ name }) => name);
}

function mcpSecrets({ mcpServers = [] }: ArkAgentSpec): (SecretKeyRef | undefined)[] {
  return mcpServers.flatMap(({ headers = [], auth }) => [
    ...headers.map((header) => header.secretKeyRef),
    auth?.bearer?.secretKeyRef,
    ...(auth?.mtls === undefined ? [] : tlsKeys(auth.mtls.secretRef.name)),
  ]);
}

/** The authority's too: a Secret may do without it, and a mount leaves out what is not there. */
function tlsKeys(name: string): SecretKeyRef[] {
  return Object.values(TLS_KEYS).map((key) => ({ name, key }));
}

function toolSecrets({ tools = [] }: ArkAgentSpec): (SecretKeyRef | undefined)[] {
  return tools.flatMap(({ headers = [] }) => headers.map((header) => header.secretKeyRef));
}

function grouped(refs: readonly (SecretKeyRef | undefined)[]): Mounted[] {
  const keys = new Map<string, Set<string>>();
  for (const ref of refs) {
    if (ref === undefined) continue;
    const of = keys.get(ref.name) ?? new Set<string>();
    keys.set(ref.name, of.add(ref.key));
  }
  return [...keys]
    .map(([name, of]) => ({ name, keys: [...of].toSorted() }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
