/**
 * Brings the streams of a server to what `streams.ts` says.
 *
 * V1  Repeatable, and safe when several processes do it at once.
 * V2  A stream that exists is upgraded in place; settings that the caller does not name (sizes, replicas, waits) stay.
 */
import { AckPolicy, DeliverPolicy, type Consumer } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { ArkError } from "#core/errors.ts";
import { STREAMS } from "#core/events/subjects.ts";
import type { Link } from "./link.ts";
import { API, hasCode, reached } from "./reached.ts";
import { hasTimers, type Sizing, streamTable, type StreamSpec, withTimersInFacts } from "./streams.ts";

/** Durable consumers that belong to no single agent. */
export const DURABLES = {
  collector: { name: "collector", stream: STREAMS.facts, filter: "ark.facts.>" },
  relay: { name: "relay", stream: STREAMS.events, filter: "ark.events.>" },
} as const;
type Durable = (typeof DURABLES)[keyof typeof DURABLES];

const ACK_WAIT_MS = 60_000;
/** Messages delivered and unsettled over all replicas: bounds what a crash delivers again. */
const MAX_ACK_PENDING = 2_048;

/** `isOlder`: the record takes schedules and roll-ups, which no server takes out of a stream (ADR 0015). */
export type Provisioned = { readonly isOlder: boolean };

/** Throws StoreUnavailable, ArkError `server.refused`, or the server's own words when a setting cannot be changed. */
export async function provision(link: Link, sizing: Sizing = {}): Promise<Provisioned> {
  const older = await isOlder(link);
  const table = older ? withTimersInFacts(streamTable(sizing)) : streamTable(sizing);
  // What others are fed from comes first.
  const feeds = ({ name }: StreamSpec) => name === STREAMS.timers;
  for (const specs of [table.filter(feeds), table.filter((spec) => !feeds(spec))])
    await Promise.all(specs.map((spec) => ensureStream(link, spec, sizing)));
  await Promise.all(Object.values(DURABLES).map((durable) => ensureDurable(link, durable, sizing.ackWaitMs)));
  return { isOlder: older };
}

async function isOlder(link: Link): Promise<boolean> {
  const looking = link.jsm.streams.info(STREAMS.facts).catch((error: unknown) => {
    if (hasCode(error, API.streamNotFound)) return undefined;
    throw error;
  });
  const found = await reached(looking);
  return found !== undefined && hasTimers(found.config);
}

/** The consumer, made when somebody took it away. */
export async function durableConsumer(link: Link, durable: Durable): Promise<Consumer> {
  try {
    return await reached(link.js.consumers.get(durable.stream, durable.name));
  } catch (error) {
    if (!hasCode(error, API.consumerNotFound)) throw error;
    await ensureDurable(link, durable, undefined);
    return await reached(link.js.consumers.get(durable.stream, durable.name));
  }
}

async function ensureStream(link: Link, spec: StreamSpec, sizing: Sizing): Promise<void> {
  try {
    await reached(link.jsm.streams.add(spec));
  } catch (error) {
    if (hasCode(error, API.noStorage)) throw tooSmall(spec, error);
    if (!hasCode(error, API.streamNameInUse)) throw error;
    const { name, max_bytes, ...settings } = spec;
    const sized = sizing.storageBytes === undefined || max_bytes === undefined ? {} : { max_bytes };
    await reached(link.jsm.streams.update(name, { ...settings, ...sized }));
  }
}

function tooSmall(spec: StreamSpec, cause: unknown): ArkError {
  return new ArkError(
    "server.refused",
    `NATS JetStream has no room for stream ${spec.name} (${spec.max_bytes} bytes)`,
    "Give JetStream more file storage, or Ark a smaller share of it.",
    { cause },
  );
}

type ConsumerSpec = Parameters<Link["jsm"]["consumers"]["add"]>[1] & { durable_name: string };

/** Creates a durable consumer; an existing one is brought to `spec`, or to the part of it that is `fixed`. */
export async function ensureConsumer(
  link: Link,
  stream: string,
  spec: ConsumerSpec,
  fixed: Partial<ConsumerSpec> = spec,
): Promise<void> {
  try {
    await reached(link.jsm.consumers.add(stream, spec));
  } catch (error) {
    if (!hasCode(error, API.consumerExists)) throw error;
    const { durable_name: _name, ...settings } = fixed;
    await reached(link.jsm.consumers.update(stream, spec.durable_name, settings));
  }
}

/** Delivered until it is settled: a fact or an accepted event is never given up (P4, P1). */
async function ensureDurable(
  link: Link,
  { name, stream, filter }: Durable,
  ackWaitMs: number | undefined,
): Promise<void> {
  const spec = {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: filter,
    ack_wait: nanos(ackWaitMs ?? ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
  const { ack_wait: _wait, ...rest } = spec;
  await ensureConsumer(link, stream, spec, ackWaitMs === undefined ? rest : spec);
}
