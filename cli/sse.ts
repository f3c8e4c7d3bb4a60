/** Server-sent events of a response. */
import { createParser, type EventSourceMessage } from "eventsource-parser";

export type ServerSentEvent = { readonly event: string; readonly id?: string; readonly data: string };

const MAX_EVENT_CHARS = 16 * 1024 * 1024;

/** Ends where the body ends; an event that was cut off is dropped. */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let ready: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: (event) => ready.push(event),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw error;
    },
  });
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    const events = ready;
    ready = [];
    for (const { event = "message", id, data } of events) yield { event, data, ...(id === undefined ? {} : { id }) };
  }
}
