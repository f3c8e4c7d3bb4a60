/** Environment of the executor: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { ADDRESS_ENV, ADDRESS_NAMES, type PoolAddresses, readAddresses } from "#core/events/pool-addresses.ts";

export type RawEnv = Readonly<Record<string, string | undefined>>;

const NAMES = [
  "ARK_NATS_URL",
  "ARK_NATS_CREDS",
  "ARK_AGENT_CONFIG",
  "ARK_CONFIGMAPS_DIR",
  "ARK_SECRETS_DIR",
  "ARK_MODE",
  "ARK_LOG_LEVEL",
  "ARK_IDLE_SECONDS",
  "ARK_LEASE_SECONDS",
  "HOSTNAME",
  ...ADDRESS_NAMES,
  "HOST",
  "PORT",
] as const;

const Env = z.object({
  ARK_NATS_URL: z.string({ error: "wants the address of nats-server, such as nats://nats.ark:4222" }),
  ARK_NATS_CREDS: z.string().optional(),
  ARK_AGENT_CONFIG: z.string({ error: "wants the path of the agent's JSON file" }),
  /** `<dir>/<name>/<key>`: ConfigMaps and Secrets as they are mounted. */
  ARK_CONFIGMAPS_DIR: z.string().default("/etc/ark/configmaps"),
  ARK_SECRETS_DIR: z.string().default("/etc/ark/secrets"),
  /** `wake`: a slot works while a wake is held. `always`: all slots, from start to stop. */
  ARK_MODE: z.enum(["wake", "always"]).default("wake"),
  ARK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  ARK_IDLE_SECONDS: z.coerce.number().min(1).max(3_600).default(10),
  /** Life of a lease, and how long a task is left with an executor that says nothing of it. */
  ARK_LEASE_SECONDS: z.coerce.number().int().min(2).max(600).default(60),
  HOSTNAME: z.string().default("executor"),
  ...ADDRESS_ENV,
  HOST: z.string().default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
});

export type Config = {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  readonly agentFile: string;
  readonly configMapsDir: string;
  readonly secretsDir: string;
  readonly mode: "wake" | "always";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly idleMs: number;
  readonly leaseMs: number;
  readonly instance: string;
  /** Who is woken by hand while the operator is away (P8). */
  readonly addresses: PoolAddresses;
  readonly host: string;
  readonly port: number;
};

export type ConfigOutcome =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** An empty variable is an unset one. */
export function readEnv(env: RawEnv): RawEnv {
  return Object.fromEntries(NAMES.map((name) => [name, env[name] === "" ? undefined : env[name]]));
}

/** Every fault at once, each with the name of its variable. */
export function parseConfig(raw: RawEnv): ConfigOutcome {
  const parsed = Env.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return { kind: "faults", faults };
  }
  const env = parsed.data;
  return {
    kind: "config",
    config: {
      natsUrl: env.ARK_NATS_URL,
      natsCreds: env.ARK_NATS_CREDS,
      agentFile: env.ARK_AGENT_CONFIG,
      configMapsDir: env.ARK_CONFIGMAPS_DIR,
      secretsDir: env.ARK_SECRETS_DIR,
      mode: env.ARK_MODE,
      logLevel: env.ARK_LOG_LEVEL,
      idleMs: env.ARK_IDLE_SECONDS * 1_000,
      leaseMs: env.ARK_LEASE_SECONDS * 1_000,
      instance: env.HOSTNAME,
      addresses: readAddresses(env),
      host: env.HOST,
      port: env.PORT,
    },
  };
}
