/** Environment of the collector: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import {
  type ConfigOutcome,
  IDLE_SECONDS,
  judgeVariables,
  LEASE_SECONDS,
  MODE,
  OBJECTS,
  type RawEnv,
  readVariables,
} from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig } from "#core/events/pool-addresses.ts";

export const ENV = z.object({
  ...FUNCTION_ENV,
  ARK_OBJECTS: OBJECTS,
  ARK_MODE: MODE.describe(
    "`wake`: takes facts while a wake is held, and from the start. `always`: from start to stop.",
  ),
  ARK_IDLE_SECONDS: IDLE_SECONDS,
  ARK_LEASE_SECONDS: LEASE_SECONDS.describe("How long a fact is left with a collector that says nothing of it."),
});

export type Config = FunctionConfig & {
  readonly objects: "kube" | "nats";
  readonly mode: "wake" | "always";
  readonly idleMs: number;
  readonly leaseMs: number;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, (env) => ({
    ...functionConfig(env),
    objects: env.ARK_OBJECTS,
    mode: env.ARK_MODE,
    idleMs: env.ARK_IDLE_SECONDS * 1_000,
    leaseMs: env.ARK_LEASE_SECONDS * 1_000,
  }));
}
