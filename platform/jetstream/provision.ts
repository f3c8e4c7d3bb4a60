/**
 * Brings the streams of a server to what `streams.ts` says.
 *
 * V1  Repeatable, and safe when several processes do it at once.
 * V2  A stream that exists is upgraded in place; settings that Ark does not name (replicas, placement) stay.
 */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { STREAMS } from "#core/events/subjects.ts";
import type { Link } from "./link.ts";
import { API, hasCode, reached } from "./reached.ts";
import { streamTable, type Sizing, type StreamSpec } from "./streams.ts";

/** Durable consumers that belong to no single agent. */
export const DURABLES = { collector: "collector", relay: "relay" } as const;
const ACK_WAIT_MS = 60_000;
/** Messages delivered and unsettled over all replicas: bounds what a crash delivers again. */
const MAX_ACK_PENDING = 2_048;

/** Throws StoreUnavailable, or the server's own words when a setting cannot be changed. */
export async function provision(link: Link, sizing: Sizing = {}): Promise<void> {
  await Promise.all(streamTable(sizing).map((spec) => ensureStream(link, spec)));
  const ackWaitMs = sizing.ackWaitMs ?? ACK_WAIT_MS;
  // Several processes provision; only one that was told a wait may change it.
  const keep = sizing.ackWaitMs === undefined ? (["ack_wait"] as const) : [];
  await Promise.all([
    ensureConsumer(link, STREAMS.facts, durable(DURABLES.collector, "ark.facts.>", ackWaitMs), keep),
    ensureConsumer(link, STREAMS.events, durable(DURABLES.relay, "ark.events.>", ackWaitMs), keep),
  ]);
}

async function ensureStream(link: Link, spec: StreamSpec): Promise<void> {
  try {
    await reached(link.jsm.streams.add(spec));
  } catch (error) {
    if (!hasCode(error, API.streamNameInUse)) throw error;
    const { name, ...settings } = spec;
    await reached(link.jsm.streams.update(name, settings));
  }
}

export type ConsumerSpec = Parameters<Link["jsm"]["consumers"]["add"]>[1] & { durable_name: string };

/** Creates a durable consumer, or brings an existing one to `spec`, but for what is to be kept of it. */
export async function ensureConsumer(
  link: Link,
  stream: string,
  spec: ConsumerSpec,
  keep: readonly (keyof ConsumerSpec)[] = [],
): Promise<void> {
  try {
    await reached(link.jsm.consumers.add(stream, spec));
  } catch (error) {
    if (!hasCode(error, API.consumerExists)) throw error;
    const { durable_name, ...settings } = spec;
    for (const name of keep) delete settings[name as keyof typeof settings];
    await reached(link.jsm.consumers.update(stream, durable_name, settings));
  }
}

/** Delivered until it is settled: a fact or an accepted event is never given up (P4, P1). */
function durable(name: string, filter: string, ackWaitMs: number): ConsumerSpec {
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: filter,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
}
