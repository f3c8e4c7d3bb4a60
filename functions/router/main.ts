/** The router as a process: reads its environment, joins the ports, listens, drains on SIGTERM. */
import { aborted } from "#core/abort.ts";
import { randomUUID } from "node:crypto";
import { addressOf } from "#core/events/pool-addresses.ts";
import { hintingFacts, hintingOutbox } from "#core/events/hinting.ts";
import { createA2aServer } from "#platform/a2a/server.ts";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import { wakesByHand } from "#platform/http/wake-by-hand.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { runProcess } from "#platform/process/run.ts";
import { sleep } from "#platform/process/sleep.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import type { RouterDeps } from "./deps.ts";
import { routerRoutes } from "./handler.ts";

const RATE_KEYS = 8;

async function main(config: Config, stop: AbortSignal): Promise<void> {
  const log = createLog({ name: "router", level: config.logLevel });
  const grace = new AbortController();

  await using telemetry = await openTelemetry("ark-router", process.env, log);
  await using js = await openJetStream({
    url: config.natsUrl,
    name: `ark-router-${config.service}`,
    signal: stop,
    meters: telemetry.meters,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
    ...(config.isGuest && { guest: config }),
  });
  if (!config.isGuest) await js.provision();
  const wakes = wakesByHand({ asks: js.wakes, addressOf: (pool) => addressOf(pool, config.addresses), log });
  const rate = () =>
    createRateLimit({
      perSecond: config.ratePerService,
      burst: config.ratePerService * 2,
      maxKeys: RATE_KEYS,
      now: () => performance.now(),
    });
  const { namespace, service: name } = config;
  const deps: RouterDeps = {
    services: js.services,
    instances: js.instances,
    outbox: hintingOutbox(js.outbox, wakes),
    idempotency: js.idempotency,
    states: js.runStates,
    facts: hintingFacts(js.factLog, wakes),
    outputs: js.outputs,
    wakes,
    a2a: createA2aServer(),
    rate: { total: rate(), perService: rate() },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    wakeMs: config.wakeMs,
    now: Date.now,
    newId: randomUUID,
    random: Math.random,
    sleep,
    spans: telemetry.spans,
    log,
  };
  const service = { namespace, name };
  // By the front door a task comes with the service's name in its path.
  const routes = routerRoutes(deps, { base: "", service }, { base: `/services/${namespace}/${name}`, service });
  const app = createApp({
    routes,
    ready: () => js.isConnected() && !stop.aborted,
    log,
    meters: telemetry.meters,
    bodyTimeoutMs: config.bodyTimeoutMs,
    signal: grace.signal,
  });
  await using serving = await serve(app, { port: config.port, host: config.host });
  log.info({ port: serving.port, service: name }, "listening");

  await aborted(stop);
  log.info({}, "draining");
  await serving.stop(config.graceMs);
  grace.abort();
  await wakes.drain(config.graceMs);
}

await runProcess(parseConfig(readEnv(process.env)), main);
