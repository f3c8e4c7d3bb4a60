/**
 * The dispatcher: every Trigger's subscriber (design 6).
 *
 * H1  Never 4xx: one broker drops such events for good. What cannot be dispatched is recorded with its reason and
 *     answered 204; what may pass is answered 503, and comes again.
 * H2  204 without a body: an answer with an event in it would be posted back to the Broker.
 * H3  Every path and method answers.
 */
import { EVENT_TYPES, EXTENSIONS, extension, numberExtension } from "#core/events/cloud-event.ts";
import { isServiceTask } from "#core/events/service-task.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { unlessAway } from "#core/ports/unless-away.ts";
import type { ParsedEvents } from "#platform/http/cloud-events.ts";
import type { HttpReply, HttpRequest, Route } from "#platform/http/exchange.ts";
import { addressOf, startAddressed } from "./addressed-run.ts";
import { startChild } from "./child-run.ts";
import { deadLetter } from "./dead-letter.ts";
import type { DispatcherDeps } from "./deps.ts";
import { dispatch } from "./dispatch.ts";
import { sha256 } from "./fire-key.ts";
import { startServiceRun } from "./service-run.ts";
import { traced } from "./trace.ts";

/** Which ArkEvent a delivery is for: by the Trigger's subscriber path, else by the event's own extensions. */
export type Received = {
  readonly cloudEvent: CloudEventRecord;
  readonly namespace?: string;
  readonly event?: string;
  /** Names the fire, where whoever accepted it knows; else it is derived from the event. */
  readonly key?: string;
  readonly seq?: number;
  readonly lastTry: boolean;
};

/** Rejects while a store is away, and for what nobody expected as long as it may be delivered again. */
export function handle(received: Received, deps: DispatcherDeps): Promise<HandleOutcome> {
  return traced(received.cloudEvent, deps, (cloudEvent) => handleTraced({ ...received, cloudEvent }, deps));
}

async function handleTraced(received: Received, deps: DispatcherDeps): Promise<HandleOutcome> {
  const { cloudEvent, lastTry } = received;
  const seq = received.seq ?? numberExtension(cloudEvent, EXTENSIONS.seq);
  const settled = { lastTry, cloudEvent, ...(seq === undefined ? {} : { seq }) };
  try {
    return await deliver(received, settled, deps);
  } catch (error) {
    // Refused by a schema, an admission policy, RBAC: without this it would be posted again for ever.
    if (!lastTry || error instanceof StoreUnavailable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    deps.log.error({ err: error }, "event not dispatched");
    return bury("DispatchFailed", reason, settled, deps);
  }
}

type Settled = { readonly cloudEvent: CloudEventRecord; readonly lastTry: boolean; readonly seq?: number };

async function deliver(received: Received, settled: Settled, deps: DispatcherDeps): Promise<HandleOutcome> {
  if (isServiceTask(settled.cloudEvent)) return startServiceRun(settled, deps);
  if (settled.cloudEvent.type === EVENT_TYPES.runRequested) return startChild(settled, deps);
  const place = placeOf(received);
  const keyed = received.key === undefined ? {} : { key: received.key };
  if (place !== undefined) return dispatch({ ...settled, ...keyed, ...place }, deps);
  return bury("Undeliverable", "neither path nor extensions say which ArkEvent this is for", settled, deps);
}

async function bury(code: string, reason: string, settled: Settled, deps: DispatcherDeps): Promise<HandleOutcome> {
  await undeliverable(code, reason, settled.cloudEvent, deps);
  if (settled.seq !== undefined) await deps.outbox.confirm(settled.seq, settled.cloudEvent.id);
  return { kind: "dead", code, reason };
}

/** On any other event than a webhook's, `arkevent` says which ArkEvent began the chain, not which one this is for. */
function placeOf(received: Received): { namespace: string; event: string } | undefined {
  const own = received.cloudEvent.type === EVENT_TYPES.webhook;
  const said = (name: string) => (own ? extension(received.cloudEvent, name) : undefined);
  const namespace = received.namespace ?? said(EXTENSIONS.namespace);
  const event = received.event ?? said(EXTENSIONS.event);
  return namespace === undefined || event === undefined ? undefined : { namespace, event };
}

function undeliverable(
  reason: string,
  message: string,
  cloudEvent: CloudEventRecord | undefined,
  deps: DispatcherDeps,
): Promise<void> {
  const id = `${reason}/${sha256(`${cloudEvent?.source}\n${cloudEvent?.id ?? message}`)}`;
  const said = (extensionName: string) =>
    cloudEvent === undefined ? "unknown" : (extension(cloudEvent, extensionName) ?? "unknown");
  const place = { namespace: said(EXTENSIONS.namespace), name: said(EXTENSIONS.event) };
  return deadLetter({ ...place, reason, message, id, ...(cloudEvent === undefined ? {} : { cloudEvent }) }, deps);
}

export type HttpDeps = DispatcherDeps & {
  readonly parseCloudEvents: (headers: Readonly<Record<string, string>>, body: string) => ParsedEvents;
};

/** Above what any broker lets through, so that no event is refused for its size. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

export function dispatcherRoutes(deps: HttpDeps): readonly Route[] {
  const route = (path: string, lastTry: boolean): Route => ({
    method: "POST",
    path,
    maxBodyBytes: MAX_BODY_BYTES,
    handle: (request) => receive(request, lastTry, deps),
  });
  return [
    route("/events/:namespace/:event", false),
    // The delivery's dead-letter sink: the Broker has given up, so this is the last time the event is seen.
    route("/dead-letter", true),
    route("/dead-letter/:namespace/:event", true),
    route("/addresses/:namespace/:kind/:name", false),
    route("/", false),
  ];
}

/** H3: for paths and methods that no route has. */
export function dispatcherFallback(deps: HttpDeps): Route["handle"] {
  return (request) => (request.method === "POST" ? receive(request, false, deps) : Promise.resolve(NO_CONTENT));
}

const NO_CONTENT: HttpReply = { kind: "empty", status: 204 };

function receive(request: HttpRequest, lastTry: boolean, deps: HttpDeps): Promise<HttpReply> {
  return unlessAway(async () => replyTo(await read(request, lastTry, deps)), again(AGAIN_MS), deps.log);
}

const AGAIN_MS = 5_000;

async function read(request: HttpRequest, lastTry: boolean, deps: HttpDeps): Promise<HandleOutcome> {
  const body = await request.body();
  switch (body.kind) {
    case "slow":
    case "aborted":
      return { kind: "retry", afterMs: AGAIN_MS, reason: "the body was not complete" };
    case "too-large":
      return unreadable(`the event has more than ${body.maxBytes} bytes`, deps);
    case "read":
      return handleAll(request, new TextDecoder().decode(body.bytes), lastTry, deps);
  }
}

async function handleAll(request: HttpRequest, text: string, lastTry: boolean, deps: HttpDeps): Promise<HandleOutcome> {
  const parsed = deps.parseCloudEvents(request.headers, text);
  if (parsed.kind !== "events") {
    return unreadable(parsed.kind === "none" ? "the request is no CloudEvent" : parsed.detail, deps);
  }
  const { namespace, event } = request.params;
  const place = namespace === undefined || event === undefined ? {} : { namespace, event };
  const address = addressOf(request.params);
  const start = (cloudEvent: CloudEventRecord) =>
    address === undefined
      ? handle({ cloudEvent, lastTry, ...place }, deps)
      : traced(cloudEvent, deps, (event) => startAddressed(address, event, deps));
  const outcomes: HandleOutcome[] = [];
  for (const cloudEvent of parsed.events) outcomes.push(await start(cloudEvent));
  return outcomes.find(({ kind }) => kind === "retry") ?? { kind: "done" };
}

async function unreadable(message: string, deps: DispatcherDeps): Promise<HandleOutcome> {
  await undeliverable("Undeliverable", message, undefined, deps);
  return { kind: "dead", code: "Undeliverable", reason: message };
}

function replyTo(outcome: HandleOutcome): HttpReply {
  return outcome.kind === "retry" ? again(outcome.afterMs) : NO_CONTENT;
}

function again(afterMs: number): HttpReply {
  const headers = { "retry-after": String(Math.ceil(afterMs / 1_000)) };
  return { kind: "problem", status: 503, code: "not-ready", detail: "Deliver this event again.", headers };
}
