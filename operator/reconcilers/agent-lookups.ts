/** Everything that an ArkAgent refers to, read by name, so that resolving it is a pure question. */
import { nameOf } from "#core/api/object-key.ts";
import { chooseProvider, readProviders } from "#core/agent/provider.ts";
import { resolveAgent, type ResolveOutcome } from "#core/agent/resolve.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { Deps } from "../deps.ts";
import type { Named } from "../references.ts";
import { environmentSources } from "../resources/agent-service.ts";
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
  // Of a model without its key, what should have brought the key is the cause.
  if (sources.absent !== undefined) return { resolution: missing(sources.absent), ...found };
  if (resolution.kind === "unresolved" || nats.kind !== "missing") return { resolution, ...found };
  return { resolution: missing(nats.message), ...found };
}

function missing(message: string): ResolveOutcome {
  return { kind: "unresolved", reason: "MissingCredentials", message };
}

async function load(
  names: readonly { readonly name: string }[],
  read: (name: string) => Promise<Named>,
): Promise<Loaded> {
  return new Map(await Promise.all(names.map(async ({ name }) => [name, await read(name)] as const)));
}

type Environment = {
  readonly env: Env;
  readonly versions: readonly string[];
  /** What `envFrom` names and is not there: Kubernetes makes no container of a pod without it. */
  readonly absent: string | undefined;
};

/** As the pod will have it. */
async function environment(agent: ArkAgent, { references }: Deps): Promise<Environment> {
  const { namespace } = nameOf(agent);
  const reading = environmentSources(agent).map(async ({ prefix = "", configMapRef, secretRef }) => {
    const kind = secretRef === undefined ? "ConfigMap" : "Secret";
    const { name, optional = false } = secretRef ?? configMapRef ?? { name: "" };
    const named = kind === "Secret" ? references.secret(namespace, name) : references.configMap(namespace, name);
    return { prefix, kind, name, optional, named: await named };
  });
  const sources = await Promise.all(reading);
  const absent = sources.find(({ optional, named }) => !optional && named.version === "");
  const env = sources.flatMap(({ prefix, named }) =>
    Object.entries(named.values()).map(([key, value]) => [`${prefix}${key}`, value] as const),
  );
  return {
    env: Object.fromEntries(env),
    versions: sources.map(({ name, named }) => `${name}@${named.version}`),
    absent: absent && `envFrom: ${absent.kind} "${absent.name}" does not exist`,
  };
}
