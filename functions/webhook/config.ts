/** Environment of the webhook function: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { ADDRESS_ENV, ADDRESS_NAMES, type PoolAddresses, readAddresses } from "#core/events/pool-addresses.ts";

export type RawEnv = Readonly<Record<string, string | undefined>>;

const NAMES = [
  "ARK_NATS_URL",
  "ARK_NATS_CREDS",
  "ARK_LOG_LEVEL",
  "ARK_RATE_PER_EVENT",
  "ARK_RATE_TOTAL",
  "ARK_BODY_SECONDS",
  "ARK_GRACE_SECONDS",
  "BROKER_URL",
  "K_SINK",
  ...ADDRESS_NAMES,
  "HOST",
  "PORT",
] as const;

const url = z.url({
  protocol: /^https?$/,
  error: "wants the address of a Broker, such as http://broker-ingress/ns/default",
});
const perSecond = z.coerce.number().int().min(1).max(100_000);

const Env = z.object({
  ARK_NATS_URL: z.string({ error: "wants the address of nats-server, such as nats://nats.ark:4222" }),
  ARK_NATS_CREDS: z.string().optional(),
  ARK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** Requests a second for one event; twice as many at once (api 13). */
  ARK_RATE_PER_EVENT: perSecond.default(50),
  ARK_RATE_TOTAL: perSecond.default(1_000),
  ARK_BODY_SECONDS: z.coerce.number().min(0.05).max(300).default(15),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
  /** Where events are posted; without it another process empties the outbox. */
  BROKER_URL: url.optional(),
  K_SINK: url.optional(),
  ...ADDRESS_ENV,
  HOST: z.string().default("0.0.0.0"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
});

export type Config = {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly ratePerEvent: number;
  readonly rateTotal: number;
  readonly bodyTimeoutMs: number;
  readonly graceMs: number;
  readonly brokerUrl: string | undefined;
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
      logLevel: env.ARK_LOG_LEVEL,
      ratePerEvent: env.ARK_RATE_PER_EVENT,
      rateTotal: env.ARK_RATE_TOTAL,
      bodyTimeoutMs: env.ARK_BODY_SECONDS * 1_000,
      graceMs: env.ARK_GRACE_SECONDS * 1_000,
      brokerUrl: env.BROKER_URL ?? env.K_SINK,
      addresses: readAddresses(env),
      host: env.HOST,
      port: env.PORT,
    },
  };
}
