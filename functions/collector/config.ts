/** Environment of the collector: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { type ConfigOutcome, judgeVariables, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig } from "#core/events/pool-addresses.ts";

const Env = z.object({
  ...FUNCTION_ENV,
  /** Where the Ark objects live: on a cluster, or in local mode. */
  ARK_OBJECTS: z.enum(["kube", "nats"]).default("kube"),
  /** `wake`: takes facts while a wake is held. `always`: from start to stop. */
  ARK_MODE: z.enum(["wake", "always"]).default("wake"),
  ARK_IDLE_SECONDS: z.coerce.number().min(1).max(3_600).default(10),
  /** How long a fact is left with a collector that says nothing of it. */
  ARK_LEASE_SECONDS: z.coerce.number().int().min(2).max(600).default(60),
});

export type Config = FunctionConfig & {
  readonly objects: "kube" | "nats";
  readonly mode: "wake" | "always";
  readonly idleMs: number;
  readonly leaseMs: number;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(Env.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(Env, raw, (env) => ({
    ...functionConfig(env),
    objects: env.ARK_OBJECTS,
    mode: env.ARK_MODE,
    idleMs: env.ARK_IDLE_SECONDS * 1_000,
    leaseMs: env.ARK_LEASE_SECONDS * 1_000,
  }));
}
