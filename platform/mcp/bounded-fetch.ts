/**
 * fetch with a bound on what one message may hold: whole bodies, and single events of event streams, whose sum may
 * grow without end. Past the bound the body fails and `onTooLarge` says so, because the client only sees a broken
 * stream.
 */
export class MessageTooLarge extends Error {
  override readonly name = "MessageTooLarge";
}

const LF = 0x0a;
const CR = 0x0d;

export function boundedFetch(
  maxBytes: number,
  onTooLarge: (error: MessageTooLarge) => void,
  unbounded: typeof fetch,
): typeof fetch {
  return async (input, init) => {
    const response = await unbounded(input, init);
    if (response.body === null) return response;
    const isStream = (response.headers.get("content-type") ?? "").includes("text/event-stream");
    const count = isStream ? eventBytes() : wholeBytes();
    const bound = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        if (count(chunk) <= maxBytes) return controller.enqueue(chunk);
        const error = new MessageTooLarge(`a message of more than ${maxBytes} bytes`);
        controller.error(error);
        onTooLarge(error);
      },
    });
    const { status, statusText, headers } = response;
    const bounded = new Response(response.body.pipeThrough(bound), { status, statusText, headers });
    // The transports resolve redirects and endpoints against it.
    Object.defineProperty(bounded, "url", { value: response.url });
    return bounded;
  };
}

function wholeBytes(): (chunk: Uint8Array) => number {
  let bytes = 0;
  return (chunk) => (bytes += chunk.byteLength);
}

/** Bytes since the last empty line, which ends an event. */
function eventBytes(): (chunk: Uint8Array) => number {
  let bytes = 0;
  let lineIsEmpty = true;
  return (chunk) => {
    let most = 0;
    for (const byte of chunk) {
      bytes++;
      if (byte === LF) {
        most = Math.max(most, bytes);
        if (lineIsEmpty) bytes = 0;
        lineIsEmpty = true;
      } else if (byte !== CR) {
        lineIsEmpty = false;
      }
    }
    return Math.max(most, bytes);
  };
}
