/** Where pools are woken by hand, from the environment; what is not named is never woken so. */
import * as z from "zod";
import { COLLECTOR_POOL, RELAY_POOL } from "./subjects.ts";

export type PoolAddresses = {
  /** With `{agent}` and `{namespace}`. */
  readonly agents: string | undefined;
  readonly collector: string | undefined;
  readonly relay: string | undefined;
};

const http = z.string().regex(/^https?:\/\/[^/]/, { error: "wants an address, such as http://collector.ark" });

/** Each without `/wake`. */
export const ADDRESS_ENV = {
  ARK_POOL_URL: http.optional(),
  ARK_COLLECTOR_URL: http.optional(),
  ARK_WEBHOOK_URL: http.optional(),
};

export function readAddresses(env: z.output<z.ZodObject<typeof ADDRESS_ENV>>): PoolAddresses {
  return { agents: env.ARK_POOL_URL, collector: env.ARK_COLLECTOR_URL, relay: env.ARK_WEBHOOK_URL };
}

export function addressOf(
  { namespace, agent }: { readonly namespace: string; readonly agent: string },
  { agents, collector, relay }: PoolAddresses,
): string | undefined {
  if (agent === COLLECTOR_POOL) return collector;
  if (agent === RELAY_POOL) return relay;
  return agents?.replaceAll("{agent}", agent).replaceAll("{namespace}", namespace);
}
