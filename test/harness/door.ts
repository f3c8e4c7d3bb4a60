/**
 * The way in, in one line: a real nats-server, the webhook's routes over real HTTP, the dispatcher over the same store.
 * `await using door = await openDoor();`
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam, ArkTeamSpec } from "#core/api/v1alpha1/ark-team.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { AcceptedEvent, TriggerRecord } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import { createApp } from "#platform/http/app.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import { parseCloudEvents } from "#platform/http/cloud-events.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import type { Meters } from "#core/ports/meters.ts";
import { apiMeters } from "#platform/telemetry/metrics.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import type { FireRecord } from "../../functions/dispatcher/deps.ts";
import { dispatcherFallback, dispatcherRoutes, type HttpDeps } from "../../functions/dispatcher/handler.ts";
import { webhookRoutes } from "../../functions/webhook/handler.ts";
import { webhookDeps } from "../../local/doors.ts";
import { startNats, type TestNats } from "./nats.ts";

export const TOKEN = "correct-horse-battery-staple";
export const NS = "default";

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

export type DoorOptions = {
  readonly bodyTimeoutMs?: number;
  readonly perSecond?: number;
  readonly burst?: number;
  readonly log?: Logger;
  readonly meters?: Meters;
};

export type Door = AsyncDisposable & {
  readonly nats: TestNats;
  readonly js: JetStream;
  readonly webhook: Serving;
  readonly dispatcher: Serving;
  readonly dispatcherDeps: HttpDeps;
  readonly fires: readonly FireRecord[];
  /** Creates the team `blog`. */
  team(spec?: Partial<ArkTeamSpec>, name?: string): Promise<ArkTeam>;
  /** Creates the event and says so in `ark-triggers`, as the operator does. */
  event(spec?: Partial<ArkEvent["spec"]>, trigger?: Partial<TriggerRecord>, name?: string): Promise<ArkEvent>;
  /** POSTs to `/triggers/default/greet` with the right token. */
  post(body: unknown, init?: { query?: string; headers?: Record<string, string>; raw?: string }): Promise<Response>;
  /** What stands in the outbox now. */
  outbox(): Promise<readonly AcceptedEvent[]>;
  runs(): Promise<readonly ArkRun[]>;
  /** Ends a run as its engine would say it. */
  end(run: string, output: string): Promise<void>;
};

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats({ maxPayloadBytes: 8 * 1024 * 1024 }));
  const js = stack.use(await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(60_000) }));
  await js.provision();
  const log = options.log ?? quiet;
  const now = () => performance.now();
  const rate = () =>
    createRateLimit({
      perSecond: options.perSecond ?? 100_000,
      burst: options.burst ?? 100_000,
      maxKeys: 1_000,
      now,
    });
  const telemetry = { spans: apiSpans(), meters: options.meters ?? apiMeters() };
  const fires: FireRecord[] = [];
  const dispatcherDeps: HttpDeps = {
    objects: js.objects,
    facts: js.factLog,
    states: js.runStates,
    outputs: js.outputs,
    locks: js.locks,
    starts: js.starts,
    outbox: js.outbox,
    fireHints: js.fireHints,
    deadLetters: js.deadLetters,
    recordFire: async (fire) => void fires.push(fire),
    parseCloudEvents,
    now: Date.now,
    ...telemetry,
    log,
  };
  const ready = () => js.isConnected();
  const timeouts = options.bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs: options.bodyTimeoutMs };
  const listen = { port: 0, host: "127.0.0.1" };
  const webhook = stack.use(
    await serve(
      createApp({
        routes: webhookRoutes({ ...webhookDeps(js, telemetry, log), rate: { total: rate(), perEvent: rate() } }),
        ready,
        log,
        ...timeouts,
      }),
      listen,
    ),
  );
  const dispatcher = stack.use(
    await serve(
      createApp({
        routes: dispatcherRoutes(dispatcherDeps),
        fallback: dispatcherFallback(dispatcherDeps),
        ready,
        log,
      }),
      listen,
    ),
  );
  const owned = stack.move();
  const post: Door["post"] = (body, { query = "", headers = {}, raw } = {}) =>
    fetch(`${webhook.url}/triggers/${NS}/greet${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
      body: raw ?? JSON.stringify(body),
    });
  return {
    nats,
    js,
    webhook,
    dispatcher,
    dispatcherDeps,
    fires,
    team: async (spec = {}, name = "blog") => created(await js.objects.create("ArkTeam", teamObject(name, spec))),
    event: async (spec = {}, trigger = {}, name = "greet") => {
      const event = created(await js.objects.create("ArkEvent", eventObject(name, spec)));
      await js.triggers.put({ ...triggerOf(event), ...trigger });
      return event;
    },
    post,
    outbox: () => waiting(nats, js),
    runs: () => js.objects.list("ArkRun", { namespace: NS }),
    end: async (run, output) => {
      const known = await js.runStates.get({ namespace: NS, run });
      await js.runStates.put(endedState(run, output), known?.revision ?? 0);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function created<T>(outcome: { kind: "created" | "exists"; object: T }): T {
  if (outcome.kind === "created") return outcome.object;
  throw new Error("it exists already");
}

function teamObject(name: string, spec: Partial<ArkTeamSpec>): ArkTeam {
  return {
    apiVersion: API_VERSION,
    kind: "ArkTeam",
    metadata: { name, namespace: NS },
    spec: {
      roles: [{ name: "write", arkAgent: "writer" }],
      pipeline: [{ role: "write", inputs: { prompt: "{{ .input.topic }}" } }],
      successfulRunsHistoryLimit: 10,
      failedRunsHistoryLimit: 3,
      ...spec,
    },
  };
}

function eventObject(name: string, spec: Partial<ArkEvent["spec"]>): ArkEvent {
  return {
    apiVersion: API_VERSION,
    kind: "ArkEvent",
    metadata: { name, namespace: NS },
    spec: {
      source: { type: "webhook" },
      targets: [{ team: "blog" }],
      concurrencyPolicy: "Allow",
      suspended: false,
      ...spec,
    },
  };
}

export function triggerOf({ metadata, spec }: ArkEvent): TriggerRecord {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    generation: metadata.generation ?? 1,
    type: spec.source.type,
    tokenDigest: tokenDigest(TOKEN),
    suspended: spec.suspended,
    concurrencyPolicy: spec.concurrencyPolicy,
    targets: spec.targets.map(({ team, agent, input }) => ({
      ...(team === undefined ? {} : { team }),
      ...(agent === undefined ? {} : { agent }),
      hasInput: input !== undefined,
    })),
  };
}

/** Each event once: what is read here is not settled, and not read again for a while. */
async function waiting(nats: TestNats, js: JetStream): Promise<readonly AcceptedEvent[]> {
  const events: AcceptedEvent[] = [];
  const stream = (await nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS");
  const count = stream?.state.messages ?? 0;
  if (count === 0) return events;
  const stop = new AbortController();
  for await (const delivery of js.outbox.consume({ maxPending: 1_000, signal: stop.signal })) {
    events.push(delivery.value);
    if (events.length >= count) stop.abort();
  }
  return events;
}

function endedState(run: string, output: string): RunState {
  return {
    version: 1,
    namespace: NS,
    run,
    uid: `uid-${run}`,
    spec: { teamRef: "blog" },
    event: "greet",
    depth: 0,
    hop: 0,
    startedAt: 1_000,
    phase: { kind: "succeeded", endedAt: 3_500, output: { inline: output } },
    steps: {
      write: {
        phase: "succeeded",
        attempts: 1,
        endedAt: 3_500,
        iterations: 1,
        validationAttempts: 0,
        usage: { inputTokens: 10, outputTokens: 5 },
        result: { output: { inline: output } },
      },
    },
    issued: {},
  };
}
