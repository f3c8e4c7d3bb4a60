/** Environment of the webhook function: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import { type ConfigOutcome, GRACE_SECONDS, judgeVariables, type RawEnv, readVariables } from "#core/env.ts";
import { FUNCTION_ENV, type FunctionConfig, functionConfig } from "#core/events/pool-addresses.ts";

const url = z.url({
  protocol: /^https?$/,
  error: "wants the address of a Broker, such as http://broker-ingress/ns/default",
});
const perSecond = z.coerce.number().int().min(1).max(100_000);

export const ENV = z.object({
  ...FUNCTION_ENV,
  ARK_RATE_PER_EVENT: perSecond.default(50).describe("Requests a second for one event; twice as many at once."),
  ARK_RATE_TOTAL: perSecond.default(1_000).describe("Requests a second for all events; twice as many at once."),
  ARK_BODY_SECONDS: z.coerce.number().min(0.05).max(300).default(15).describe("How long a request's body may take."),
  ARK_GRACE_SECONDS: GRACE_SECONDS,
  BROKER_URL: url
    .optional()
    .describe("The Broker to post events to. Unset: `K_SINK`; without both another process empties the outbox."),
  K_SINK: url.optional().describe("The Broker, as a SinkBinding of Knative's says it."),
});

export type Config = FunctionConfig & {
  readonly ratePerEvent: number;
  readonly rateTotal: number;
  readonly bodyTimeoutMs: number;
  readonly graceMs: number;
  readonly brokerUrl: string | undefined;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, (env) => ({
    ...functionConfig(env),
    ratePerEvent: env.ARK_RATE_PER_EVENT,
    rateTotal: env.ARK_RATE_TOTAL,
    bodyTimeoutMs: env.ARK_BODY_SECONDS * 1_000,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
    brokerUrl: env.BROKER_URL ?? env.K_SINK,
  }));
}
