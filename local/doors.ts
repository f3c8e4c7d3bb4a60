/** The HTTP side of one machine: webhook paths for anybody with an event's token, objects for whoever owns `up.json`. */
import { randomUUID } from "node:crypto";
import { ArkError } from "#core/errors.ts";
import type { Logger } from "#core/ports/log.ts";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { parseCloudEvents } from "#platform/http/cloud-events.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { webhookRoutes } from "../functions/webhook/handler.ts";
import { admit } from "./manifests/admit.ts";
import { restRoutes } from "./rest/routes.ts";
import type { Secrets } from "./secrets.ts";

export type DoorsDeps = {
  readonly js: JetStream;
  readonly secrets: Secrets;
  readonly token: string;
  readonly port: number;
  readonly log: Logger;
  /** Ends requests that are still open at the end of the grace. */
  readonly signal: AbortSignal;
};

const HOST = "127.0.0.1";

/** Throws ArkError `port.in_use`. */
export async function openDoors({ js, secrets, token, port, log, signal }: DoorsDeps): Promise<Serving> {
  const webhook = webhookRoutes({
    triggers: js.triggers,
    outbox: js.outbox,
    idempotency: js.idempotency,
    locks: js.locks,
    states: js.runStates,
    facts: js.factLog,
    tokens: js.tokens,
    outputs: js.outputs,
    rate: {
      total: createRateLimit({ perSecond: 1_000, burst: 2_000, maxKeys: 1, now: Date.now }),
      perEvent: createRateLimit({ perSecond: 50, burst: 100, maxKeys: 10_000, now: Date.now }),
    },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    parseCloudEvents,
    now: Date.now,
    newId: randomUUID,
    log,
  });
  const rest = restRoutes({
    token,
    objects: js.objects,
    admit,
    facts: js.factLog,
    tokens: js.tokens,
    secret: (namespace, name) => secrets.secret(namespace, name),
  });
  const app = createApp({ routes: [...webhook, ...rest], ready: () => js.isConnected(), log, signal });
  try {
    return await serve(app, { port, host: HOST });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new ArkError("port.in_use", `port ${port} is taken`, "Give another one with --port, or 0 for any free port.");
  }
}
