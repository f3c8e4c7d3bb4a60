/**
 * Messages of a durable pull consumer, as deliveries that are settled one by one.
 *
 * R1  What was fetched and not handed out is given back when the reader stops (knative 4.5).
 * R2  A deleted consumer ends the reader with StoreUnavailable; a lost connection does not: reading goes on after it.
 */
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import type { Delivery } from "#core/ports/record.ts";
import { API, hasCode, isAway, reached, unavailable } from "./reached.ts";
import { HANDED_BACK, type Traffic, typeOf } from "./traffic.ts";

/** A pull lives this long; heartbeats tell within twice their interval that it is gone (D9: work goes on within 5 s). */
const PULL = { expires: 10_000, idle_heartbeat: 2_000 } as const;

type ReadOptions<T> = {
  readonly stream: string;
  readonly traffic: Traffic;
  readonly maxPending: number;
  readonly signal: AbortSignal;
  /** undefined: not a message of ours; it is taken out of the queue. */
  readonly decode: (message: JsMsg) => T | undefined;
};

export async function* deliveries<T>(consumer: Consumer, options: ReadOptions<T>): AsyncGenerator<Delivery<T>> {
  const { signal, stream, traffic } = options;
  if (signal.aborted) return;
  const messages = await reached(
    consumer.consume({ ...PULL, max_messages: options.maxPending, bind: true, abort_on_missing_resource: true }),
  );
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const watching = stopWhenDeleted(consumer, messages);
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      if (signal.aborted) return give(next.value);
      const value = options.decode(next.value);
      if (value === undefined) next.value.term("not understood");
      else yield delivery(next.value, value, { stream, traffic });
    }
  } catch (error) {
    throw isDeleted(error) ? unavailable(error) : error;
  } finally {
    signal.removeEventListener("abort", stop);
    messages.stop();
    await giveBack(iterator);
    await watching;
  }
}

/** Where each delivery is settled, for those that are handed on. */
const addresses = new WeakMap<object, string>();

/** undefined: not a delivery of this process. */
export function settleAddress(of: object): string | undefined {
  return addresses.get(of);
}

type Counting = { readonly stream: string; readonly traffic: Traffic };

export function delivery<T>(message: JsMsg, value: T, { stream, traffic }: Counting): Delivery<T> {
  traffic.consumed(stream);
  const settled = traffic.inHand(stream);
  let acked: Promise<void> | undefined;
  const made: Delivery<T> = {
    value,
    seq: message.seq,
    deliveries: message.info.deliveryCount,
    // A second call gives the first one's answer: an acknowledgement that was not confirmed stays unconfirmed.
    ack: () => (acked ??= told(reached(message.ackAck()), settled)),
    nak: (delayMs) => {
      settled(HANDED_BACK);
      quietly(() => message.nak(delayMs));
    },
    working: () => quietly(() => message.working()),
  };
  // Every message has one; the client's type alone does not say so.
  if ("reply" in message && typeof message.reply === "string") addresses.set(made, message.reply);
  return made;
}

/** `settled` hears how it ended. */
export async function told(acking: Promise<unknown>, settled: (error?: string) => void): Promise<void> {
  try {
    await acking;
    settled();
  } catch (error) {
    settled(typeOf(error));
    throw error;
  }
}

async function giveBack(iterator: AsyncIterator<JsMsg>): Promise<void> {
  try {
    for (;;) {
      const rest = await iterator.next();
      if (rest.done === true) return;
      give(rest.value);
    }
  } catch {
    // The connection or the consumer is gone: the server gives them out again after the acknowledgement wait.
  }
}

function give(message: JsMsg): void {
  quietly(() => message.nak());
}

/** Hints to the server: without a connection they are void, and the acknowledgement wait does their work. */
function quietly(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!isAway(error)) throw error;
  }
}

/** After a disconnect the client pulls blindly; whether the consumer is still there has to be asked. */
async function stopWhenDeleted(consumer: Consumer, messages: ConsumerMessages): Promise<void> {
  for await (const note of messages.status()) {
    if (note.type !== "heartbeats_missed" && note.type !== "no_responders") continue;
    try {
      await consumer.info();
    } catch (error) {
      if (hasCode(error, API.consumerNotFound, API.streamNotFound)) messages.stop(unavailable(error));
    }
  }
}

function isDeleted(error: unknown): boolean {
  if (hasCode(error, API.consumerNotFound, API.streamNotFound)) return true;
  return error instanceof Error && /consumer deleted|stream deleted/.test(error.message);
}
