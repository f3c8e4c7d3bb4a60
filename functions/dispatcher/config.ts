/** Environment of the dispatcher: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { type ConfigOutcome, judgeVariables, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig } from "#core/events/pool-addresses.ts";

const Env = z.object({
  ...FUNCTION_ENV,
  /** Where the Ark objects live: on a cluster, or in local mode. */
  ARK_OBJECTS: z.enum(["kube", "nats"]).default("kube"),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
  /** Of this pod: who tells a Kubernetes Event. */
  HOSTNAME: z.string().default("dispatcher"),
});

export type Config = FunctionConfig & {
  readonly objects: "kube" | "nats";
  readonly graceMs: number;
  readonly identity: string;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(Env.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(Env, raw, (env) => ({
    ...functionConfig(env),
    objects: env.ARK_OBJECTS,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
    identity: env.HOSTNAME,
  }));
}
