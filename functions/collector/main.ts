/** The collector as a process: reads its environment, joins the ports, serves `/wake`, drains on SIGTERM. */
import { aborted } from "#core/abort.ts";
import type { RunStatusSink } from "#core/ports/objects.ts";
import { addressOf } from "#core/events/pool-addresses.ts";
import { hintingOutbox } from "#core/events/hinting.ts";
import { createApp } from "#platform/http/app.ts";
import { early } from "#platform/http/early.ts";
import { held } from "#platform/http/held.ts";
import { serve } from "#platform/http/server.ts";
import { wakesByHand } from "#platform/http/wake-by-hand.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { runProcess } from "#platform/process/run.ts";
import { sleep } from "#platform/process/sleep.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";
import { createCollector } from "./collect.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import { createWaker } from "./wake.ts";

/** Below every proxy's patience with a silent answer. */
const BEAT_MS = 15_000;
/** What a request that is still open after the last fact may take. */
const CLOSE_MS = 5_000;
/** How long a wake that this process holds for another keeps it, when nobody else holds any. */
const HOLD_MS = 540_000;

async function main(config: Config, stop: AbortSignal): Promise<void> {
  const log = createLog({ name: "collector", level: config.logLevel });

  await using telemetry = await openTelemetry("ark-collector", process.env, log);
  await using js = await openJetStream({
    url: config.natsUrl,
    name: "ark-collector",
    signal: stop,
    meters: telemetry.meters,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
  });
  await js.provision({ ackWaitMs: config.leaseMs });
  const wakes = wakesByHand({ asks: js.wakes, addressOf: (pool) => addressOf(pool, config.addresses), log });
  const collector = createCollector({
    facts: js.factLog,
    states: js.runStates,
    tasks: js.tasks,
    leases: js.leases,
    outputs: js.outputs,
    timers: js.timers,
    outbox: hintingOutbox(js.outbox, wakes),
    locks: js.locks,
    wakes,
    status: config.objects === "nats" ? js.objects : await onCluster(),
    now: Date.now,
    random: Math.random,
    sleep,
    spans: telemetry.spans,
    meters: telemetry.meters,
    log,
  });
  const waker = createWaker(collector, config.idleMs, stop);
  const wake = config.mode === "wake" ? early(() => waker.wake()) : () => waker.wake();
  const always = config.mode === "always" ? collector.run(stop) : undefined;
  const reaping = js.reaper.run(stop);
  const app = createApp({
    routes: [{ method: "POST", path: "/wake", handle: async () => held(wake(), BEAT_MS) }],
    ready: () => js.isConnected() && !stop.aborted,
    log,
  });
  await using serving = await serve(app, { port: config.port, host: config.host });
  log.info({ port: serving.port }, "listening");

  await Promise.race([aborted(stop), ...(always === undefined ? [] : [always])]);
  // It would stand there, ready, and do nothing: whoever started it starts it again.
  if (!stop.aborted) throw new Error("facts can no longer be taken");
  log.info({}, "draining");
  await always;
  await reaping;
  await waker.ended();
  await serving.stop(CLOSE_MS);
  await wakes.drain(HOLD_MS);
}

/** Loaded where it is needed only: it is most of what this process would load. */
async function onCluster(): Promise<RunStatusSink> {
  const [{ openKube }, { kubeObjects }] = await Promise.all([
    import("#platform/kube/client.ts"),
    import("#platform/kube/objects.ts"),
  ]);
  return kubeObjects(openKube(), "ark-collector");
}

await runProcess(parseConfig(readEnv(process.env)), main);
