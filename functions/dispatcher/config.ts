/** Environment of the dispatcher: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { ADDRESS_ENV, ADDRESS_NAMES, type PoolAddresses, readAddresses } from "#core/events/pool-addresses.ts";

export type RawEnv = Readonly<Record<string, string | undefined>>;

const NAMES = [
  "ARK_NATS_URL",
  "ARK_NATS_CREDS",
  "ARK_OBJECTS",
  "ARK_LOG_LEVEL",
  "ARK_GRACE_SECONDS",
  "HOSTNAME",
  ...ADDRESS_NAMES,
  "HOST",
  "PORT",
] as const;

const Env = z.object({
  ARK_NATS_URL: z.string({ error: "wants the address of nats-server, such as nats://nats.ark:4222" }),
  ARK_NATS_CREDS: z.string().optional(),
  /** Where the Ark objects live: on a cluster, or in local mode. */
  ARK_OBJECTS: z.enum(["kube", "nats"]).default("kube"),
  ARK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
  /** Of this pod: who tells a Kubernetes Event. */
  HOSTNAME: z.string().default("dispatcher"),
  ...ADDRESS_ENV,
  HOST: z.string().default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
});

export type Config = {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  readonly objects: "kube" | "nats";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly graceMs: number;
  readonly identity: string;
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
    return { kind: "faults", faults: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) };
  }
  const env = parsed.data;
  return {
    kind: "config",
    config: {
      natsUrl: env.ARK_NATS_URL,
      natsCreds: env.ARK_NATS_CREDS,
      objects: env.ARK_OBJECTS,
      logLevel: env.ARK_LOG_LEVEL,
      graceMs: env.ARK_GRACE_SECONDS * 1_000,
      identity: env.HOSTNAME,
      addresses: readAddresses(env),
      host: env.HOST,
      port: env.PORT,
    },
  };
}
