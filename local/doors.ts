/** The HTTP side of one machine: webhook paths for anybody with an event's token, objects for whoever owns `up.json`. */
import { randomUUID } from "node:crypto";
import { ArkError } from "#core/errors.ts";
import type { Instances } from "#core/ports/services.ts";
import type { Logger } from "#core/ports/log.ts";
import { createA2aServer } from "#platform/a2a/server.ts";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { parseCloudEvents } from "#platform/http/cloud-events.ts";
import type { RateLimit } from "#platform/http/exchange.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { sleep } from "#platform/process/sleep.ts";
import type { Telemetry } from "#platform/telemetry/telemetry.ts";
import type { RouterDeps } from "../functions/router/deps.ts";
import { routerRoutes } from "../functions/router/handler.ts";
import type { WebhookDeps } from "../functions/webhook/deps.ts";
import { webhookRoutes } from "../functions/webhook/handler.ts";
import { admit } from "./manifests/admit.ts";
import { restRoutes } from "./rest/routes.ts";
import type { Secrets } from "./secrets.ts";

export type DoorsDeps = {
  readonly js: JetStream;
  readonly secrets: Secrets;
  readonly router: RouterDeps;
  readonly token: string;
  readonly port: number;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  /** Ends requests that are still open at the end of the grace. */
  readonly signal: AbortSignal;
};

/** A cold start, and then some. */
const WAKE_MS = 30_000;
export const HOST = "127.0.0.1";

export function routerDeps(
  js: JetStream,
  instances: Instances,
  { spans }: Pick<Telemetry, "spans">,
  log: Logger,
): RouterDeps {
  return {
    services: js.services,
    instances,
    outbox: js.outbox,
    idempotency: js.idempotency,
    states: js.runStates,
    facts: js.factLog,
    outputs: js.outputs,
    wakes: js.wakes,
    a2a: createA2aServer(),
    rate: { total: rate(1_000, 1), perService: rate(50, 10_000) },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    wakeMs: WAKE_MS,
    now: Date.now,
    newId: randomUUID,
    random: Math.random,
    sleep,
    spans,
    log,
  };
}

export function webhookDeps(
  js: JetStream,
  { spans, meters }: Pick<Telemetry, "spans" | "meters">,
  log: Logger,
): WebhookDeps {
  return {
    triggers: js.triggers,
    outbox: js.outbox,
    idempotency: js.idempotency,
    locks: js.locks,
    states: js.runStates,
    facts: js.factLog,
    tokens: js.tokens,
    outputs: js.outputs,
    rate: { total: rate(1_000, 1), perEvent: rate(50, 10_000) },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    parseCloudEvents,
    now: Date.now,
    newId: randomUUID,
    sleep,
    spans,
    meters,
    log,
  };
}

/** Throws ArkError `port.in_use`. */
export async function openDoors(deps: DoorsDeps): Promise<Serving> {
  const { js, secrets, token, port, telemetry, log, signal } = deps;
  const webhook = webhookRoutes(webhookDeps(js, telemetry, log));
  const rest = restRoutes({
    token,
    objects: js.objects,
    admit,
    facts: js.factLog,
    tokens: js.tokens,
    states: js.runStates,
    outputs: js.outputs,
    secret: (namespace, name) => secrets.secret(namespace, name),
  });
  const router = routerRoutes(deps.router, { base: "/services/:namespace/:name" });
  const app = createApp({
    routes: [...webhook, ...router, ...rest],
    ready: () => js.isConnected(),
    meters: telemetry.meters,
    log,
    signal,
  });
  try {
    return await serve(app, { port, host: HOST });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new ArkError("port.in_use", `port ${port} is taken`, "Give another one with --port, or 0 for any free port.");
  }
}

function rate(perSecond: number, maxKeys: number): RateLimit {
  return createRateLimit({ perSecond, burst: perSecond * 2, maxKeys, now: Date.now });
}
