/** Environment of the executor: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import {
  type ConfigOutcome,
  IDLE_SECONDS,
  judgeVariables,
  LEASE_SECONDS,
  MODE,
  type RawEnv,
  readVariables,
} from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig, GUEST_ENV } from "#core/events/pool-addresses.ts";

export const ENV = z.object({
  ...FUNCTION_ENV,
  ...GUEST_ENV,
  ARK_AGENT_CONFIG: z
    .string({ error: "wants the path of the agent's JSON file" })
    .describe("The agent's JSON file, which the operator mounts."),
  ARK_CONFIGMAPS_DIR: z
    .string()
    .default("/etc/ark/configmaps")
    .describe("ConfigMaps as the operator mounts them: `<dir>/<name>/<key>`."),
  ARK_SECRETS_DIR: z.string().default("/etc/ark/secrets").describe("Secrets as the operator mounts them, alike."),
  ARK_MODE: MODE.describe(
    "`wake`: a slot works while a wake is held, the first one from the start. `always`: all slots, from start to stop.",
  ),
  ARK_IDLE_SECONDS: IDLE_SECONDS,
  ARK_LEASE_SECONDS: LEASE_SECONDS.describe(
    "Life of a lease, and how long a task is left with an executor that says nothing of it.",
  ),
  HOSTNAME: z.string().default("executor").describe("Of this pod: its name as an instance, and in leases."),
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
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, (env) => ({
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
