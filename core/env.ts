/**
 * Variables of a process: a schema names them, and they are judged all at once. What each means is its description: the
 * reference of settings is made of them.
 */
import * as z from "zod";

export type RawEnv = Readonly<Record<string, string | undefined>>;

const port = z.coerce.number().int().min(0).max(65_535);

export type ConfigOutcome<Config> =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** What every process has that talks to nats-server and listens. */
export const PROCESS_ENV = {
  ARK_NATS_URL: z
    .string({ error: "wants the address of nats-server, such as nats://nats.ark:4222" })
    .describe("Addresses of nats-server, separated by commas."),
  ARK_NATS_CREDS: z.string().optional().describe("A credentials file for NATS."),
  ARK_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info").describe("The least that is logged."),
  HOST: z.string().default("0.0.0.0").describe("Address to listen at."),
  PORT: port.default(8080).describe("Port of health and readiness; of a function also of its work."),
};

/** Seconds that requests in hand have at the end. */
export const GRACE_SECONDS = z.coerce
  .number()
  .min(0)
  .max(7_200)
  .default(30)
  .describe("How long requests in hand have at the end of the process.");

/** Of whoever reads or writes the Ark objects. */
export const OBJECTS = z
  .enum(["kube", "nats"])
  .default("kube")
  .describe("Where the Ark objects are: on a cluster, or in NATS, as in local mode.");

/** Of functions that pull their work; what mode and lease mean is theirs to say. */
export const MODE = z.enum(["wake", "always"]).default("wake");
export const IDLE_SECONDS = z.coerce.number().min(1).max(3_600).default(10).describe("How long a wake waits for work.");
export const LEASE_SECONDS = z.coerce.number().int().min(2).max(600).default(60);

export type ProcessConfig = {
  readonly natsUrl: string;
  readonly natsCreds: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly host: string;
  readonly port: number;
};

export function processConfig(env: z.output<z.ZodObject<typeof PROCESS_ENV>>): ProcessConfig {
  return {
    natsUrl: env.ARK_NATS_URL,
    natsCreds: env.ARK_NATS_CREDS,
    logLevel: env.ARK_LOG_LEVEL,
    host: env.HOST,
    port: env.PORT,
  };
}

/** The variables that `shape` names. An empty variable is an unset one. */
export function readVariables(shape: Readonly<Record<string, unknown>>, env: RawEnv): RawEnv {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, env[name] === "" ? undefined : env[name]]));
}

/** Every fault at once, each with the name of its variable. */
export function judgeVariables<Env, Config>(
  schema: z.ZodType<Env>,
  raw: RawEnv,
  decide: (env: Env) => Config,
): ConfigOutcome<Config> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { kind: "config", config: decide(parsed.data) };
  return { kind: "faults", faults: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) };
}
