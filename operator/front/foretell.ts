/**
 * Says that an ArkEvent is about to fire, when its webhook's request comes by: what the fire will need starts beside the
 * webhook function, not after it.
 *
 * T1  Only for a request that the webhook function would accept: whoever has no token wakes no agent.
 * T2  Nothing depends on it: what cannot be told is not told, and never holds the request up.
 */
import type { IncomingMessage } from "node:http";
import type { Triggers } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import { type FireHints, StoreUnavailable } from "#core/ports/record.ts";
import type { RateLimit } from "#platform/http/exchange.ts";
import { eventAt } from "./fire-path.ts";

export type Foretell = (asked: Pick<IncomingMessage, "method" | "headers">, pathname: string) => void;

export type ForetellDeps = {
  readonly triggers: Pick<Triggers, "get">;
  readonly hints: Pick<FireHints, "send">;
  readonly authorized: (header: string | undefined, digest: string | undefined) => boolean;
  /** By event: how often it is told at most. */
  readonly quiet: RateLimit;
  readonly log: Logger;
};

export function createForetelling({ triggers, hints, authorized, quiet, log }: ForetellDeps): Foretell {
  const tell = async (namespace: string, event: string, authorization: string | undefined): Promise<void> => {
    const trigger = await triggers.get(namespace, event);
    if (trigger?.type !== "webhook" || trigger.suspended) return;
    if (authorized(authorization, trigger.tokenDigest)) hints.send({ namespace, event });
  };
  return (asked, pathname) => {
    const at = eventAt(asked, pathname);
    if (at === undefined) return;
    const { namespace, event } = at;
    if (quiet.take(`${namespace}/${event}`).kind === "refused") return;
    tell(namespace, event, asked.headers.authorization).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) log.error({ err: error, namespace, event }, "fire not foretold");
    });
  };
}
