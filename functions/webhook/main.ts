/**
 * The webhook function as a process: reads its environment, joins the ports, listens, relays, drains on SIGTERM.
 *
 * M1  An event that it took keeps a webhook function awake until the dispatcher has confirmed it: the operator's waker
 *     sees to it, and while there is none this process holds a wake at its own address, ten minutes at most (P8).
 */
import { aborted } from "#core/abort.ts";
import { randomUUID } from "node:crypto";
import { addressOf } from "#core/events/pool-addresses.ts";
import { hintingOutbox } from "#core/events/hinting.ts";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { parseCloudEvents } from "#platform/http/cloud-events.ts";
import { held } from "#platform/http/held.ts";
import { postEvent } from "#platform/http/post-event.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import { wakesByHand } from "#platform/http/wake-by-hand.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { runProcess } from "#platform/process/run.ts";
import { sleep } from "#platform/process/sleep.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import { webhookRoutes } from "./handler.ts";
import { relay } from "./relay.ts";

const BEAT_MS = 15_000;
const RATE_KEYS = 10_000;
const POST_TIMEOUT_MS = 15_000;
const POSTS_AT_ONCE = 64;
/** Longer than the pause before an unconfirmed event is posted again: a held wake outlasts it. */
const IDLE_MS = 45_000;

async function main(config: Config, stop: AbortSignal): Promise<void> {
  const log = createLog({ name: "webhook", level: config.logLevel });
  const grace = new AbortController();

  await using telemetry = await openTelemetry("ark-webhook", process.env, log);
  await using js = await openJetStream({
    url: config.natsUrl,
    name: "ark-webhook",
    signal: stop,
    meters: telemetry.meters,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
  });
  await js.provision();
  const wakes = wakesByHand({ asks: js.wakes, addressOf: (pool) => addressOf(pool, config.addresses), log });
  const monotonic = () => performance.now();
  const rate = (perSecond: number) =>
    createRateLimit({ perSecond, burst: perSecond * 2, maxKeys: RATE_KEYS, now: monotonic });
  const routes = webhookRoutes({
    triggers: js.triggers,
    outbox: hintingOutbox(js.outbox, wakes),
    idempotency: js.idempotency,
    locks: js.locks,
    states: js.runStates,
    facts: js.factLog,
    tokens: js.tokens,
    outputs: js.outputs,
    rate: { total: rate(config.rateTotal), perEvent: rate(config.ratePerEvent) },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    parseCloudEvents,
    now: Date.now,
    newId: randomUUID,
    sleep,
    spans: telemetry.spans,
    meters: telemetry.meters,
    log,
  });

  let seenAt = monotonic();
  const { brokerUrl } = config;
  const relaying =
    brokerUrl === undefined
      ? undefined
      : relay(
          {
            outbox: js.outbox,
            post: (event, signal) => postEvent(brokerUrl, event, { timeoutMs: POST_TIMEOUT_MS, signal }),
            log,
            maxPending: POSTS_AT_ONCE,
            seen: () => void (seenAt = monotonic()),
          },
          stop,
        );
  const quiet = async () => {
    // A wake is for an event that may not have been seen yet.
    seenAt = monotonic();
    while (!stop.aborted && monotonic() - seenAt < IDLE_MS) {
      await sleep(BEAT_MS, stop);
    }
  };

  const app = createApp({
    routes: [...routes, { method: "POST", path: "/wake", handle: async () => held(quiet(), BEAT_MS) }],
    ready: () => js.isConnected() && !stop.aborted,
    log,
    meters: telemetry.meters,
    bodyTimeoutMs: config.bodyTimeoutMs,
    signal: grace.signal,
  });
  await using serving = await serve(app, { port: config.port, host: config.host });
  log.info({ port: serving.port }, "listening");

  await aborted(stop);
  log.info({}, "draining");
  await serving.stop(config.graceMs);
  grace.abort();
  await relaying;
  await wakes.drain(config.graceMs);
}

await runProcess(parseConfig(readEnv(process.env)), main);
