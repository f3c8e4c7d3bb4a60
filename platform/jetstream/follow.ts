/**
 * Messages of one subject filter, in order, with no gap over reconnects, until `signal`: stored ones first, then live.
 *
 * W1  The consumer is ordered and ephemeral; it is deleted when the reader ends, however it ends.
 * W2  A reader that is slow holds `ahead` messages and asks for no more. They are counted, not weighed: a pull that is
 *     limited in bytes stalls for two heartbeats where the next message does not fit into what is left of it.
 */
import { DeliverPolicy, type Consumer, type ConsumerMessages, type JsMsg } from "@nats-io/jetstream";
import type { Link } from "./link.ts";
import { isAway, reached, unavailable } from "./reached.ts";

/** The server deletes the consumer of a reader that died after this long. */
const INACTIVE_MS = 60_000;
const AHEAD = 256;
const PULL = { expires: 10_000, idle_heartbeat: 2_000 } as const;

export type From = "first" | "last-of-each-subject" | { readonly seq: number };

export async function* follow(
  link: Link,
  stream: string,
  filter: string,
  options: { readonly from: From; readonly ahead?: number; readonly signal: AbortSignal },
): AsyncGenerator<JsMsg, void, undefined> {
  const { signal } = options;
  if (signal.aborted) return;
  const consumer = await reached(
    link.js.consumers.get(stream, {
      filter_subjects: filter,
      inactive_threshold: INACTIVE_MS,
      ...startingAt(options.from),
    }),
  );
  try {
    yield* messagesOf(consumer, options.ahead ?? AHEAD, signal);
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  } finally {
    await consumer.delete().catch(() => false);
  }
}

async function* messagesOf(
  consumer: Consumer,
  ahead: number,
  signal: AbortSignal,
): AsyncGenerator<JsMsg, void, undefined> {
  if (signal.aborted) return;
  const messages: ConsumerMessages = await consumer.consume({ ...PULL, max_messages: ahead });
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for await (const message of messages) {
      if (signal.aborted) return;
      yield message;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

function startingAt(from: From) {
  if (from === "first") return { deliver_policy: DeliverPolicy.All };
  if (from === "last-of-each-subject") return { deliver_policy: DeliverPolicy.LastPerSubject };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.seq };
}
