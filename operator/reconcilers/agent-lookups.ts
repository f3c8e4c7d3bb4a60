/** Everything that an ArkAgent refers to, read by name, so that resolving it is a pure question. */
import { chooseProvider, readProviders } from "#core/agent/provider.ts";
import { resolveAgent, type ResolveOutcome } from "#core/agent/resolve.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { Deps } from "../deps.ts";
import type { Named } from "../references.ts";
import { API_KEYS_SECRET } from "../resources/agent-service.ts";
import { nameOf } from "../resources/names.ts";
import { type AgentRefs } from "../state/agent-refs.ts";
import { natsCredentials } from "./nats-credentials.ts";

export type LookedUp = {
  readonly resolution: ResolveOutcome;
  /** Changes when a Secret or an environment changes that a running executor has read; tells nothing of its content. */
  readonly version: string;
  /** Credentials for NATS, where it has users. */
  readonly natsSecret: string | undefined;
};

type Loaded = ReadonlyMap<string, Named>;
type Env = Readonly<Record<string, string>>;

export async function lookUp(agent: ArkAgent, refs: AgentRefs, deps: Deps): Promise<LookedUp> {
  const { namespace } = nameOf(agent);
  const { references, informers } = deps;
  const [configMaps, secrets, sources, nats] = await Promise.all([
    load(refs.configMaps, (name) => references.configMap(namespace, name)),
    load(refs.secrets, (name) => references.secret(namespace, name)),
    environment(agent, deps),
    natsCredentials(agent, deps),
  ]);
  const providers = readProviders(sources.env);
  const resolution = resolveAgent(agent, {
    configMapKey: (name, key) => configMaps.get(name)?.value(key),
    secretKey: (name, key) => secrets.get(name)?.value(key),
    settings: (name) => informers.settings.get(`${namespace}/${name}`)?.spec,
    providerFor: (model) => chooseProvider(model, providers),
    allowStdio: false,
  });
  const versions = [...secrets].map(([name, { version }]) => `${name}@${version}`);
  const found = {
    version: [...versions, ...sources.versions].join(","),
    natsSecret: nats.kind === "secret" ? nats.name : undefined,
  };
  if (resolution.kind === "unresolved" || nats.kind !== "missing") return { resolution, ...found };
  return { resolution: { kind: "unresolved", reason: "MissingCredentials", message: nats.message }, ...found };
}

async function load(
  names: readonly { readonly name: string }[],
  read: (name: string) => Promise<Named>,
): Promise<Loaded> {
  return new Map(await Promise.all(names.map(async ({ name }) => [name, await read(name)] as const)));
}

/** As the pod will have it: the providers' keys of the namespace, then the agent's own sources, the later ones winning. */
async function environment(agent: ArkAgent, { references }: Deps): Promise<{ env: Env; versions: readonly string[] }> {
  const { namespace } = nameOf(agent);
  const own = (agent.spec.envFrom ?? []).map(async ({ prefix = "", configMapRef, secretRef }) => {
    const named =
      secretRef === undefined
        ? await references.configMap(namespace, configMapRef?.name ?? "")
        : await references.secret(namespace, secretRef.name);
    return { prefix, name: secretRef?.name ?? configMapRef?.name ?? "", named };
  });
  const keys = references.secret(namespace, API_KEYS_SECRET);
  const all = [{ prefix: "", name: API_KEYS_SECRET, named: await keys }, ...(await Promise.all(own))];
  const env = all.flatMap(({ prefix, named }) =>
    Object.entries(named.values()).map(([key, value]) => [`${prefix}${key}`, value] as const),
  );
  return { env: Object.fromEntries(env), versions: all.map(({ name, named }) => `${name}@${named.version}`) };
}
