/** Environment of the dispatcher: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import {
  type ConfigOutcome,
  judgeVariables,
  PROCESS_ENV,
  type ProcessConfig,
  processConfig,
  type RawEnv,
  readVariables,
} from "#core/env.ts";
import { ADDRESS_ENV, type PoolAddresses, readAddresses } from "#core/events/pool-addresses.ts";

const Env = z.object({
  ...PROCESS_ENV,
  /** Where the Ark objects live: on a cluster, or in local mode. */
  ARK_OBJECTS: z.enum(["kube", "nats"]).default("kube"),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
  /** Of this pod: who tells a Kubernetes Event. */
  HOSTNAME: z.string().default("dispatcher"),
  ...ADDRESS_ENV,
});

export type Config = ProcessConfig & {
  readonly objects: "kube" | "nats";
  readonly graceMs: number;
  readonly identity: string;
  /** Who is woken by hand while the operator is away (P8). */
  readonly addresses: PoolAddresses;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(Env.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(Env, raw, (env) => ({
    ...processConfig(env),
    objects: env.ARK_OBJECTS,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
    identity: env.HOSTNAME,
    addresses: readAddresses(env),
  }));
}
