/** What the objects come to on this machine, worked out anew at every change. */
import { keyOf, type Named } from "#core/api/object-key.ts";
import { resolveAgent, type ResolveOutcome } from "#core/agent/resolve.ts";
import type { ProviderChoice } from "#core/agent/ports.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { ArkSettings } from "#core/api/v1alpha1/ark-settings.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { Values } from "./manifests/admit.ts";
import type { Secrets } from "./secrets.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export type Observed = {
  readonly events: readonly ArkEvent[];
  readonly teams: readonly ArkTeam[];
  readonly agents: readonly ArkAgent[];
  readonly settings: readonly ArkSettings[];
  readonly services: readonly ArkService[];
};

export type AgentState = { readonly agent: ArkAgent; readonly resolution: ResolveOutcome };
/** Keys are `<namespace>/<name>`. */
export type World = { readonly events: readonly ArkEvent[]; readonly agents: ReadonlyMap<string, AgentState> };

export function byKey<T extends Named>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

export type Providers = (model: string, env: Env) => ProviderChoice;

export function resolveAll(
  { agents, settings }: Pick<Observed, "agents" | "settings">,
  secrets: Secrets,
  env: Env,
  providers: Providers,
): ReadonlyMap<string, AgentState> {
  const known = byKey(settings);
  return new Map(
    agents.map((agent) => {
      const { namespace = "default" } = agent.metadata;
      const own = agentEnv(agent, secrets, env);
      const resolution = resolveAgent(agent, {
        configMapKey: (name, key) => valueAt(secrets.configMap(namespace, name), key),
        secretKey: (name, key) => valueAt(secrets.secret(namespace, name), key),
        settings: (name) => known.get(`${namespace}/${name}`)?.spec,
        providerFor: (model) => providers(model, own),
        allowStdio: true,
      });
      return [keyOf(agent), { agent, resolution }];
    }),
  );
}

/** A key is the user's: `constructor` is one that every object has, and no value. */
function valueAt(values: Values | undefined, key: string): string | undefined {
  return values !== undefined && Object.hasOwn(values, key) ? values[key] : undefined;
}

/** The process's environment, then `ark-api-keys` of the namespace, then the agent's own `envFrom` (api 15). */
export function agentEnv(agent: ArkAgent, secrets: Secrets, env: Env): Env {
  const { namespace = "default" } = agent.metadata;
  let merged: Env = { ...env, ...secrets.secret(namespace, "ark-api-keys") };
  for (const { prefix = "", configMapRef, secretRef } of agent.spec.envFrom ?? []) {
    if (configMapRef !== undefined)
      merged = { ...merged, ...prefixed(prefix, secrets.configMap(namespace, configMapRef.name)) };
    if (secretRef !== undefined) merged = { ...merged, ...prefixed(prefix, secrets.secret(namespace, secretRef.name)) };
  }
  return merged;
}

function prefixed(prefix: string, values: Values | undefined): Values {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [`${prefix}${key}`, value]));
}
