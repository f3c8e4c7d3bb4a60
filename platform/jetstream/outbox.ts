/**
 * The outbox on `ARK_EVENTS`: what was accepted stays until it is settled or confirmed (P1).
 *
 * X1  One event per ArkEvent and key within the dedupe window; beyond it, run names tell repeats apart.
 */
import { eventSubject, STREAMS } from "#core/events/subjects.ts";
import type { AcceptedEvent, Outbox } from "#core/ports/events.ts";
import type { Delivery } from "#core/ports/record.ts";
import { deliveries } from "./deliveries.ts";
import type { Link } from "./link.ts";
import { decodeJson, encodeHeader, eventHeaders } from "./messages.ts";
import { durableConsumer, DURABLES } from "./provision.ts";
import { reached } from "./reached.ts";
import { removeMessage } from "./remove.ts";

export function outbox(link: Link): Outbox {
  return {
    publish: (event, eventUid) => publishEvent(link, event, `${eventUid}/${event.key}`),
    consume: (options) => consume(link, options),
    confirm: async (seq, cloudEventId) => {
      if (cloudEventId === undefined || (await eventIdAt(link, seq)) === cloudEventId)
        await removeMessage(link, STREAMS.events, seq);
    },
    purge: async (namespace, event) => {
      await reached(link.jsm.streams.purge(STREAMS.events, { filter: eventSubject(namespace, event) }));
    },
  };
}

export async function publishEvent(
  link: Link,
  event: AcceptedEvent,
  id: string,
): Promise<{ readonly kind: "stored" | "duplicate"; readonly seq: number }> {
  const { cloudEvent, namespace } = event;
  const publishing = reached(
    link.js.publish(eventSubject(namespace, event.event), JSON.stringify(event), {
      msgID: encodeHeader(id),
      headers: eventHeaders({
        id: cloudEvent.id,
        source: cloudEvent.source,
        type: cloudEvent.type,
        at: event.firedAt,
        extensions: { arknamespace: namespace, arkevent: event.event },
      }),
    }),
  );
  const { duplicate, seq } = await link.traffic.sent(STREAMS.events, publishing);
  return { kind: duplicate ? "duplicate" : "stored", seq };
}

/** Not settled or confirmed yet. */
export async function isWaiting(link: Link, seq: number): Promise<boolean> {
  return (await eventIdAt(link, seq)) !== undefined;
}

/** Undefined where nothing is stored (any more). */
async function eventIdAt(link: Link, seq: number): Promise<string | undefined> {
  const stored = await reached(link.jsm.direct.getMessage(STREAMS.events, { seq }));
  const event = stored === null ? undefined : decodeJson(stored.data);
  return isAcceptedEvent(event) ? event.cloudEvent.id : undefined;
}

async function* consume(
  link: Link,
  options: { readonly maxPending: number; readonly signal: AbortSignal },
): AsyncGenerator<Delivery<AcceptedEvent>> {
  const consumer = await durableConsumer(link, DURABLES.relay);
  yield* deliveries(consumer, {
    ...options,
    stream: STREAMS.events,
    traffic: link.traffic,
    decode: ({ data }) => {
      const event = decodeJson(data);
      return isAcceptedEvent(event) ? event : undefined;
    },
  });
}

/** What is stored was written by this project: its outline is looked at. */
export function isAcceptedEvent(value: unknown): value is AcceptedEvent {
  if (typeof value !== "object" || value === null) return false;
  return "cloudEvent" in value && "key" in value && "event" in value && "namespace" in value;
}
