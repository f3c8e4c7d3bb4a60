/** Environment of the executor: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { type ConfigOutcome, judgeVariables, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig, GUEST_ENV } from "#core/events/pool-addresses.ts";

const Env = z.object({
  ...FUNCTION_ENV,
  ...GUEST_ENV,
  ARK_AGENT_CONFIG: z.string({ error: "wants the path of the agent's JSON file" }),
  /** `<dir>/<name>/<key>`: ConfigMaps and Secrets as they are mounted. */
  ARK_CONFIGMAPS_DIR: z.string().default("/etc/ark/configmaps"),
  ARK_SECRETS_DIR: z.string().default("/etc/ark/secrets"),
  /** `wake`: a slot works while a wake is held. `always`: all slots, from start to stop. */
  ARK_MODE: z.enum(["wake", "always"]).default("wake"),
  ARK_IDLE_SECONDS: z.coerce.number().min(1).max(3_600).default(10),
  /** Life of a lease, and how long a task is left with an executor that says nothing of it. */
  ARK_LEASE_SECONDS: z.coerce.number().int().min(2).max(600).default(60),
  HOSTNAME: z.string().default("executor"),
});

export type Config = FunctionConfig & {
  readonly isGuest: boolean;
  readonly agentFile: string;
  readonly configMapsDir: string;
  readonly secretsDir: string;
  readonly mode: "wake" | "always";
  readonly idleMs: number;
  readonly leaseMs: number;
  readonly instance: string;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(Env.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(Env, raw, (env) => ({
    ...functionConfig(env),
    isGuest: env.ARK_NATS_GUEST,
    agentFile: env.ARK_AGENT_CONFIG,
    configMapsDir: env.ARK_CONFIGMAPS_DIR,
    secretsDir: env.ARK_SECRETS_DIR,
    mode: env.ARK_MODE,
    idleMs: env.ARK_IDLE_SECONDS * 1_000,
    leaseMs: env.ARK_LEASE_SECONDS * 1_000,
    instance: env.HOSTNAME,
  }));
}
