/** Server-sent events (WHATWG HTML 9.2) with a comment every 15 s, so that no proxy takes the stream for dead. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { SseEvent } from "./exchange.ts";

const HEARTBEAT_MS = 15_000;

export function formatSse(event: SseEvent): string {
  const id = event.id === undefined ? "" : `id: ${event.id}\n`;
  return `${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** Writes until `events` ends or the client goes; waits where the client reads slowly. Closes the iterator. */
export async function writeSse(
  response: ServerResponse,
  events: AsyncIterable<SseEvent>,
  signal: AbortSignal,
  heartbeatMs = HEARTBEAT_MS,
): Promise<void> {
  response.writeHead(200, {
    ...response.getHeaders(),
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(":\n\n"), heartbeatMs);
  try {
    for await (const event of events) {
      if (signal.aborted) return;
      if (!response.write(formatSse(event))) await once(response, "drain", { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}
