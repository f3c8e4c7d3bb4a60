/**
 * Core NATS subscriptions as bounded iterables: hints and tokens, which may get lost.
 *
 * K1  A reader that is too slow loses the oldest messages, never the process's memory.
 */
import type { Msg } from "@nats-io/transport-node";
import type { Link } from "./link.ts";
import { isAway, reached } from "./reached.ts";

const MAX_WAITING = 4_096;

/** Ends on `signal`, and when the connection is closed. */
export async function* feed(link: Link, subject: string, signal: AbortSignal): AsyncGenerator<Msg, void, undefined> {
  if (signal.aborted) return;
  const waiting: Msg[] = [];
  let ended = false;
  let wake = (): void => {};
  const end = (): void => {
    ended = true;
    wake();
  };
  const subscription = link.nc.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) return end();
      if (waiting.push(message) > MAX_WAITING) waiting.shift();
      wake();
    },
  });
  signal.addEventListener("abort", end, { once: true });
  void subscription.closed.then(end);
  try {
    await reached(link.nc.flush());
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) yield message;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener("abort", end);
    subscription.unsubscribe();
  }
}

/** Sent when there is a connection, dropped when there is none: nothing piles up while the server is away. */
export function send(link: Link, subject: string, body?: string): void {
  if (!link.line.up) return;
  try {
    link.nc.publish(subject, body);
  } catch (error) {
    if (!isAway(error)) throw error;
  }
}
