/** Environment of the dispatcher: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { type ConfigOutcome, GRACE_SECONDS, judgeVariables, OBJECTS, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig } from "#core/events/pool-addresses.ts";

export const ENV = z.object({
  ...FUNCTION_ENV,
  ARK_OBJECTS: OBJECTS,
  ARK_GRACE_SECONDS: GRACE_SECONDS,
  HOSTNAME: z.string().default("dispatcher").describe("Of this pod: who tells a Kubernetes Event."),
});

export type Config = FunctionConfig & {
  readonly objects: "kube" | "nats";
  readonly graceMs: number;
  readonly identity: string;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, (env) => ({
    ...functionConfig(env),
    objects: env.ARK_OBJECTS,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
    identity: env.HOSTNAME,
  }));
}
