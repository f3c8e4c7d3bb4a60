/** Environment of a router: `readEnv` only reads, `parseConfig` only decides. One router serves one ArkService. */
import * as z from "zod";
import { dnsLabel } from "#core/api/v1alpha1/common.ts";
import { ADDRESS_ENV, ADDRESS_NAMES, type PoolAddresses, readAddresses } from "#core/events/pool-addresses.ts";

export type RawEnv = Readonly<Record<string, string | undefined>>;

const NAMES = [
  "ARK_NATS_URL",
  "ARK_NATS_CREDS",
  "ARK_NAMESPACE",
  "ARK_SERVICE",
  "ARK_LOG_LEVEL",
  "ARK_RATE_PER_SERVICE",
  "ARK_WAKE_SECONDS",
  "ARK_BODY_SECONDS",
  "ARK_GRACE_SECONDS",
  ...ADDRESS_NAMES,
  "HOST",
  "PORT",
] as const;

const Env = z.object({
  ARK_NATS_URL: z.string({ error: "wants the address of nats-server, such as nats://nats.ark:4222" }),
  ARK_NATS_CREDS: z.string().optional(),
  ARK_NAMESPACE: dnsLabel(63),
  ARK_SERVICE: dnsLabel(),
  ARK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** Requests a second; twice as many at once (api 13). */
  ARK_RATE_PER_SERVICE: z.coerce.number().int().min(1).max(100_000).default(50),
  /** How long a task waits for an instance to wake, where none was ready. */
  ARK_WAKE_SECONDS: z.coerce.number().min(0.05).max(3_600).default(30),
  ARK_BODY_SECONDS: z.coerce.number().min(0.05).max(300).default(15),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
  ...ADDRESS_ENV,
  HOST: z.string().default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
});

export type Config = {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  readonly namespace: string;
  readonly service: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly ratePerService: number;
  readonly wakeMs: number;
  readonly bodyTimeoutMs: number;
  readonly graceMs: number;
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
      namespace: env.ARK_NAMESPACE,
      service: env.ARK_SERVICE,
      logLevel: env.ARK_LOG_LEVEL,
      ratePerService: env.ARK_RATE_PER_SERVICE,
      wakeMs: env.ARK_WAKE_SECONDS * 1_000,
      bodyTimeoutMs: env.ARK_BODY_SECONDS * 1_000,
      graceMs: env.ARK_GRACE_SECONDS * 1_000,
      addresses: readAddresses(env),
      host: env.HOST,
      port: env.PORT,
    },
  };
}
