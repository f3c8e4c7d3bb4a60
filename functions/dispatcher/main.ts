/** The dispatcher as a process: reads its environment, joins the ports, listens, drains on SIGTERM. */
import { aborted } from "#core/abort.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import { addressOf } from "#core/events/pool-addresses.ts";
import { hintingFacts } from "#core/events/hinting.ts";
import { RUN_FINALIZER } from "#core/runs/run-object.ts";
import { createApp } from "#platform/http/app.ts";
import { parseCloudEvents } from "#platform/http/cloud-events.ts";
import { held } from "#platform/http/held.ts";
import { serve } from "#platform/http/server.ts";
import { wakesByHand } from "#platform/http/wake-by-hand.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { runProcess } from "#platform/process/run.ts";
import { sleep } from "#platform/process/sleep.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import type { HttpDeps } from "./handler.ts";
import { dispatcherFallback, dispatcherRoutes } from "./handler.ts";
import { tellFire } from "./tell-fire.ts";

const BEAT_MS = 15_000;
/** An event that was foretold is here by then, or does not come. */
const EXPECTED_MS = 20_000;

async function main(config: Config, stop: AbortSignal): Promise<void> {
  const log = createLog({ name: "dispatcher", level: config.logLevel });
  const grace = new AbortController();

  await using telemetry = await openTelemetry("ark-dispatcher", process.env, log);
  await using js = await openJetStream({
    url: config.natsUrl,
    name: "ark-dispatcher",
    signal: stop,
    meters: telemetry.meters,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
  });
  await js.provision();
  const wakes = wakesByHand({ asks: js.wakes, addressOf: (pool) => addressOf(pool, config.addresses), log });
  const cluster = config.objects === "nats" ? undefined : await onCluster(config, log);
  const deps: HttpDeps = {
    objects: cluster?.objects ?? js.objects,
    facts: hintingFacts(js.factLog, wakes),
    states: js.runStates,
    outputs: js.outputs,
    locks: js.locks,
    starts: js.starts,
    // Set by whoever makes the run: the operator need not, once for each.
    ...(cluster !== undefined && { finalizers: [RUN_FINALIZER] }),
    outbox: js.outbox,
    fireHints: js.fireHints,
    deadLetters: js.deadLetters,
    // The operator alone writes the status of ArkEvents: it counts a fire by the runs that carry its key.
    recordFire: async (fire) => {
      log.info({ ...fire }, "fire dispatched");
      if (cluster !== undefined) tellFire(fire, cluster.recorder);
    },
    parseCloudEvents,
    now: Date.now,
    spans: telemetry.spans,
    meters: telemetry.meters,
    log,
  };
  const app = createApp({
    routes: [
      ...dispatcherRoutes(deps),
      { method: "POST", path: "/wake", handle: async () => held(sleep(EXPECTED_MS, stop), BEAT_MS) },
    ],
    fallback: dispatcherFallback(deps),
    ready: () => js.isConnected() && !stop.aborted,
    log,
    signal: grace.signal,
  });
  await using serving = await serve(app, { port: config.port, host: config.host });
  log.info({ port: serving.port }, "listening");

  await aborted(stop);
  log.info({}, "draining");
  await serving.stop(config.graceMs);
  grace.abort();
  await wakes.drain(config.graceMs);
}

/** Loaded where it is needed only: it is most of what this process would load. */
async function onCluster({ identity }: Config, log: Logger): Promise<{ objects: Objects; recorder: Recorder }> {
  const [{ openKube }, { kubeObjects }, { createRecorder }] = await Promise.all([
    import("#platform/kube/client.ts"),
    import("#platform/kube/objects.ts"),
    import("#platform/kube/events.ts"),
  ]);
  const kube = openKube();
  const recorder = createRecorder(kube, {
    controller: "arkonis.dev/dispatcher",
    instance: identity,
    now: Date.now,
    log,
  });
  return { objects: kubeObjects(kube, "ark-dispatcher"), recorder };
}

await runProcess(parseConfig(readEnv(process.env)), main);
