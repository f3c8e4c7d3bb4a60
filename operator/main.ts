/**
 * The operator as a process: front door and health on every replica, everything else on the one that leads.
 *
 * M1  It is ready while it listens: the front door passes requests on, or refuses them with Retry-After, whoever else is
 *     away. Without a ready replica there is nobody behind its Service, and connections are refused.
 */
import { randomBytes } from "node:crypto";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { hold } from "#platform/http/hold.ts";
import { createPorts } from "#platform/http/ports.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube, type Kube } from "#platform/kube/client.ts";
import { createRecorder } from "#platform/kube/events.ts";
import { kubeFinalizers } from "#platform/kube/finalizers.ts";
import { electLeader } from "#platform/kube/lease.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { runProcess } from "#platform/process/run.ts";
import { createLog } from "#platform/telemetry/log.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import type { Logger } from "#core/ports/log.ts";
import { createApplier } from "./applier.ts";
import { parseConfig, readEnv, type Config } from "./config.ts";
import { followPorts, openPorts } from "./front/follow-ports.ts";
import { createForetelling } from "./front/foretell.ts";
import { createFront } from "./front/front.ts";
import { createRecord } from "./front/record.ts";
import { createOutcomeTelling } from "./front/tell-outcome.ts";
import { createLeading, type LeadDeps, type Leading } from "./lead.ts";
import { recordDigests } from "./record-tokens.ts";
import { provision } from "./provision.ts";
import { createReferences } from "./references.ts";
import { readSigner } from "./nats-signer.ts";
import { createWaking, type Waking } from "./waker/waking.ts";
import { FIELD_MANAGER, routerServiceName, serviceUrl } from "./resources/names.ts";

const TOKEN_BYTES = 32;
/** Requests for the record: of all namespaces, of each, and of each with a wrong token. */
const RECORD_RATE = { perSecond: 100, burst: 200, maxKeys: 1 };
const NAMESPACE_RATE = { perSecond: 10, burst: 40, maxKeys: 10_000 };
/** Looks at namespaces that are not known to have a token. */
const LOOK_RATE = { perSecond: 10, burst: 100, maxKeys: 1 };
/** Hints at fires of one event: a pool that one of them woke stays awake for longer. */
const FIRE_RATE = { perSecond: 0.2, burst: 1, maxKeys: 10_000 };
/** Outcomes of fires, told on an ArkEvent: one of each kind a minute. */
const OUTCOME_RATE = { perSecond: 1 / 60, burst: 1, maxKeys: 10_000 };
/** The name of the Lease. */
const LEASE = "ark-operator";

async function main(config: Config, stop: AbortSignal): Promise<void> {
  const log = createLog({ name: "operator", level: config.logLevel });
  const kube = openKube();
  await using metrics = await openMetrics("ark-operator", process.env, log);
  const { meters } = metrics;
  await using js = await openJetStream({
    url: config.natsUrl,
    name: "ark-operator",
    signal: stop,
    meters,
    ...(config.natsCreds !== undefined && { creds: config.natsCreds }),
  });
  await provision(js, config, log);

  const recorder = createRecorder(kube, {
    controller: "arkonis.dev/operator",
    instance: config.identity,
    now: Date.now,
    log,
  });
  let leading: Leading | undefined;
  const isUp = () => !stop.aborted;
  const now = () => performance.now();
  using front = createFront({
    upstream: config.webhookUrl,
    services: js.services,
    routerUrl: (service) => serviceUrl(routerServiceName(service), service.namespace, config),
    record: createRecord({
      facts: js.factLog,
      outputs: js.outputs,
      states: js.runStates,
      digestOf: recordDigests(kubeChildren(kube, FIELD_MANAGER), {
        now,
        looks: createRateLimit({ ...LOOK_RATE, now }),
      }),
      rate: {
        total: createRateLimit({ ...RECORD_RATE, now }),
        perNamespace: createRateLimit({ ...NAMESPACE_RATE, now }),
        wrong: createRateLimit({ ...NAMESPACE_RATE, now }),
      },
      log,
      signal: stop,
    }),
    foretell: createForetelling({
      triggers: js.triggers,
      hints: js.fireHints,
      authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
      quiet: createRateLimit({ ...FIRE_RATE, now }),
      log,
    }),
    tellOutcome: createOutcomeTelling({
      triggers: js.triggers,
      recorder,
      quiet: createRateLimit({ ...OUTCOME_RATE, now }),
      log,
    }),
    ready: isUp,
    log,
  });
  await using door = await serve(front.listener, { port: config.frontPort, host: config.host });
  await using ports = createPorts({
    listener: front.atPort,
    serve: { host: config.host },
    graceMs: config.graceMs,
    log,
  });
  const services = { services: js.services, ports, log };
  await openPorts(services);
  const following = followPorts(services, stop);
  await using health = await serve(
    createApp({ routes: [], ready: () => isUp() && (leading?.faults() ?? []).length === 0, log }),
    { port: config.port, host: config.host },
  );
  log.info({ port: health.port, front: door.port }, "listening");

  const waking = createWaking(
    { backlog: js.backlog, hints: js.wakes, fires: js.fireHints, hold, random: Math.random, meters, log },
    stop,
  );
  const lease = {
    namespace: config.namespace,
    name: LEASE,
    identity: config.identity,
    now: Date.now,
    onOther: () => waking.letGo(),
    log,
  };
  await electLeader(
    kube,
    lease,
    async (signal) => {
      leading = createLeading({
        ...leadDeps(kube, js, waking, config, log),
        portFault: (port) => ports.fault(port),
        recorder,
        meters,
      });
      await leading.run(signal);
      leading = undefined;
    },
    stop,
  );
  log.info({}, "draining");
  await following;
  await Promise.all([door.stop(config.graceMs), ports.stop(config.graceMs), health.stop(0), waking.ended()]);
}

/** Made anew for each term: what another leader did meanwhile is looked at afresh. */
function leadDeps(
  kube: Kube,
  js: JetStream,
  waking: Waking,
  config: Config,
  log: Logger,
): Omit<LeadDeps, "meters" | "portFault" | "recorder"> {
  const children = kubeChildren(kube, FIELD_MANAGER);
  return {
    kube,
    config,
    children,
    objects: kubeObjects(kube, FIELD_MANAGER),
    applier: createApplier(children),
    finalizers: kubeFinalizers(kube, FIELD_MANAGER),
    references: createReferences(children, config.resyncMs / 2, () => performance.now()),
    triggers: js.triggers,
    tallies: js.tallies,
    letters: js.deadLetters,
    replays: js.replays,
    usage: js.usage,
    probes: js.probes,
    toolServers: js.toolServers,
    services: js.services,
    instances: js.instances,
    outbox: js.outbox,
    taskQueues: js.taskQueues,
    natsSigner: () => readSigner(config.natsSigning),
    facts: js.factLog,
    states: js.runStates,
    waking,
    now: Date.now,
    random: Math.random,
    newToken: () => randomBytes(TOKEN_BYTES).toString("hex"),
    log,
  };
}

await runProcess(parseConfig(readEnv(process.env)), main);
