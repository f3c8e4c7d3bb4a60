/** Environment of a router: `readEnv` only reads, `parseConfig` only decides. One router serves one ArkService. */
import * as z from "zod";
import { dnsLabel } from "#core/api/v1alpha1/common.ts";
import { type ConfigOutcome, GRACE_SECONDS, judgeVariables, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig, GUEST_ENV } from "#core/events/pool-addresses.ts";

export const ENV = z.object({
  ...FUNCTION_ENV,
  ...GUEST_ENV,
  ARK_NAMESPACE: dnsLabel(63).describe("Namespace of its ArkService."),
  ARK_SERVICE: dnsLabel().describe("The ArkService that it serves."),
  ARK_RATE_PER_SERVICE: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(50)
    .describe("Requests a second; twice as many at once."),
  ARK_WAKE_SECONDS: z.coerce
    .number()
    .min(0.05)
    .max(3_600)
    .default(30)
    .describe("How long a task waits for an instance to wake, where none was ready."),
  ARK_BODY_SECONDS: z.coerce.number().min(0.05).max(300).default(15).describe("How long a request's body may take."),
  ARK_GRACE_SECONDS: GRACE_SECONDS,
});

export type Config = FunctionConfig & {
  readonly isGuest: boolean;
  readonly namespace: string;
  readonly service: string;
  readonly ratePerService: number;
  readonly wakeMs: number;
  readonly bodyTimeoutMs: number;
  readonly graceMs: number;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, (env) => ({
    ...functionConfig(env),
    isGuest: env.ARK_NATS_GUEST,
    namespace: env.ARK_NAMESPACE,
    service: env.ARK_SERVICE,
    ratePerService: env.ARK_RATE_PER_SERVICE,
    wakeMs: env.ARK_WAKE_SECONDS * 1_000,
    bodyTimeoutMs: env.ARK_BODY_SECONDS * 1_000,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
  }));
}
