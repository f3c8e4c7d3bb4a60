/** Where pools are woken by hand, from the environment; what is not named is never woken so. */
import * as z from "zod";
import { PROCESS_ENV, type ProcessConfig, processConfig } from "#core/env.ts";
import { COLLECTOR_POOL, RELAY_POOL } from "./subjects.ts";

export type PoolAddresses = {
  /** With `{agent}` and `{namespace}`. */
  readonly agents: string | undefined;
  readonly collector: string | undefined;
  readonly relay: string | undefined;
};

const http = z.string().regex(/^https?:\/\/[^/]/, { error: "wants an address, such as http://collector.ark" });

/** What every function has: it may be the one that finds work for a pool which nobody else wakes. */
export const FUNCTION_ENV = {
  ...PROCESS_ENV,
  ARK_POOL_URL: http
    .optional()
    .describe(
      "Agents, with `{agent}` and `{namespace}`: woken at `/wake` while no operator wakes them. Unset: not woken.",
    ),
  ARK_COLLECTOR_URL: http.optional().describe("The collector, woken alike."),
  ARK_WEBHOOK_URL: http.optional().describe("The webhook function, woken alike."),
};

/** Executors and routers: whether their user of NATS is a guest's, with permissions of its own (ADR 0015). */
export const GUEST_ENV = {
  ARK_NATS_GUEST: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .describe(
      "Its user of NATS is a guest, who may do its own work alone; the operator made what it needs (ADR 0015).",
    ),
};

export type FunctionConfig = ProcessConfig & {
  /** Who is woken by hand while the operator is away (P8). */
  readonly addresses: PoolAddresses;
};

export function functionConfig(env: z.output<z.ZodObject<typeof FUNCTION_ENV>>): FunctionConfig {
  const addresses = { agents: env.ARK_POOL_URL, collector: env.ARK_COLLECTOR_URL, relay: env.ARK_WEBHOOK_URL };
  return { ...processConfig(env), addresses };
}

export function addressOf(
  { namespace, agent }: { readonly namespace: string; readonly agent: string },
  { agents, collector, relay }: PoolAddresses,
): string | undefined {
  if (agent === COLLECTOR_POOL) return collector;
  if (agent === RELAY_POOL) return relay;
  return agents?.replaceAll("{agent}", agent).replaceAll("{namespace}", namespace);
}
