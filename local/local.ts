/**
 * Ark on one machine: the handlers of all functions in one process, over a real nats-server, an object store on it, and
 * deliveries of its own in place of a broker. Nothing here decides what a run does.
 *
 * A1  What was accepted is in the data folder: killed at any moment, the next start goes on where this one was (P1, P3).
 * A2  Nothing is served before the manifests are in effect; a fault in them starts nothing (P10).
 * A3  Stopping takes no new work, lets what is in hand end for `GRACE_MS`, then hands it back.
 */
import type { ArkObject } from "#core/api/objects.ts";
import type { Logger } from "#core/ports/log.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import type { Serving } from "#platform/http/server.ts";
import { openTelemetry, type Telemetry } from "#platform/telemetry/telemetry.ts";
import { type DoorsDeps, HOST, openDoors, routerDeps } from "./doors.ts";
import { invalidManifests } from "./manifests/faults.ts";
import type { ManifestFault } from "./manifests/parse.ts";
import { type Models, type ProviderName, startModels } from "./models.ts";
import { Secrets } from "./secrets.ts";
import { createServicePorts, type OpenPort, type ServicePorts } from "./service-ports.ts";
import { loadSources } from "./sources.ts";
import { openStore, type Store } from "./store.ts";
import { buildSystem, startLoops, type System } from "./system.ts";
import { newToken, removeUpFile, writeUpFile } from "./up-file.ts";
import type { Env } from "./world.ts";

export type LocalOptions = {
  readonly sources: readonly string[];
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  readonly provider: ProviderName;
  readonly env: Env;
  readonly log: Logger;
  /** Ends a start that is under way; a running one is ended by `stop`. */
  readonly signal: AbortSignal;
  /** Ports that services declare are opened. */
  readonly opensPorts?: boolean;
  /** What differs from the manifests, of each object before it is stored. */
  readonly adjust?: (object: ArkObject) => ArkObject;
};

export type Local = AsyncDisposable & {
  readonly url: string;
  readonly token: string;
  readonly natsUrl: string;
  /** Of the server that runs now. */
  readonly natsPid: () => number;
  /** Every model is the scripted one. */
  readonly scripted: boolean;
  readonly js: JetStream;
  /** Ports of services, those that are open. */
  openPorts(): readonly OpenPort[];
  reload(): Promise<void>;
  faults(): readonly ManifestFault[];
  /** Resolves when the store is gone for good. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
  /** The same, without the time that work in hand has to end. */
  stopNow(): Promise<void>;
};

const GRACE_MS = 10_000;
const CLOSE_MS = 2_000;

/** Throws ArkError: `manifest.invalid`, `manifest.not_found`, `nats.missing`, `data.locked`, `file.refused`, `port.in_use`; once told to stop, the signal's reason. */
export async function startLocal(options: LocalOptions): Promise<Local> {
  await refuseFaults(options.sources);
  const closing = new AsyncDisposableStack();
  try {
    const telemetry = closing.use(await openTelemetry("ark-up", options.env, options.log));
    const store = closing.use(
      await openStore(options.dataDir, options.env, telemetry.meters, options.log, options.signal),
    );
    const models = closing.use(await startModels(options.provider, options.sources, options.env));
    const secrets = await Secrets.open(options.dataDir);
    return await compose(options, { telemetry, store, models, secrets }, closing);
  } catch (error) {
    await closing.disposeAsync();
    throw options.signal.aborted ? options.signal.reason : error;
  }
}

async function refuseFaults(sources: readonly string[]): Promise<void> {
  const { faults } = await loadSources(sources);
  if (faults.length > 0) throw invalidManifests(faults, "nothing was started");
}

type Parts = {
  readonly telemetry: Telemetry;
  readonly store: Store;
  readonly models: Models;
  readonly secrets: Secrets;
};

async function compose(
  options: LocalOptions,
  { telemetry, store, models, secrets }: Parts,
  closing: AsyncDisposableStack,
): Promise<Local> {
  const { dataDir, log } = options;
  const { js } = store;
  const token = newToken();
  const stopping = new AbortController();
  const hard = new AbortController();
  let url = "";
  let ports: ServicePorts | undefined;
  const late = { url: () => url, ports: () => ports };
  const system = await buildSystem(options, js, models, secrets, telemetry, hard.signal, late);
  const router = routerDeps(js, system.executors, telemetry, log);
  const doors = await opened(options, system, { js, secrets, router, token, telemetry }, hard);
  ({ url } = doors);
  if (options.opensPorts === true) {
    ports = createServicePorts({
      router,
      host: HOST,
      graceMs: CLOSE_MS,
      ready: () => js.isConnected(),
      onOpened: () => system.reconciler.poke(),
      meters: telemetry.meters,
      log,
      signal: hard.signal,
    });
    await system.reconciler.settle();
  } else system.reconciler.poke();
  const loops = startLoops(system, js, log, stopping.signal);
  const end = async () => {
    stopping.abort();
    const grace = setTimeout(() => hard.abort(), GRACE_MS);
    await Promise.all([stopTaking(system), loops]);
    clearTimeout(grace);
    hard.abort();
    await Promise.all([doors.stop(CLOSE_MS), ports?.stop(CLOSE_MS), system.runtimes.close()]);
  };
  try {
    await writeUpFile(dataDir, { url, token });
  } catch (error) {
    hard.abort();
    await end();
    throw error;
  }
  const stop = once(async () => {
    try {
      await removeUpFile(dataDir);
    } finally {
      await end();
      await closing.disposeAsync();
    }
  });
  return {
    url,
    token,
    natsUrl: store.server.url,
    natsPid: () => store.server.pid,
    scripted: models.scripted,
    js,
    openPorts: () => ports?.open() ?? [],
    reload: () => system.sources.reload(),
    faults: () => system.sources.faults,
    failed: store.server.failed,
    stop,
    stopNow: () => {
      hard.abort();
      return stop();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Manifests in effect, then the doors. What began by then ends again when they cannot be opened. */
async function opened(
  { port, log }: LocalOptions,
  system: System,
  parts: Pick<DoorsDeps, "js" | "secrets" | "router" | "token" | "telemetry">,
  hard: AbortController,
): Promise<Serving> {
  try {
    await system.reconciler.remember();
    await system.sources.reload();
    await system.reconciler.settle();
    return await openDoors({ ...parts, port, log, signal: hard.signal });
  } catch (error) {
    hard.abort();
    await stopTaking(system);
    await system.runtimes.close();
    throw error;
  }
}

/** Resolves when what is in hand has ended. */
async function stopTaking({ sources, cron, executors }: System): Promise<void> {
  await Promise.all([sources.stop(), cron.stop(), executors.stop()]);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
