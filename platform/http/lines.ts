/** A stream of JSON lines (NDJSON), the form of a Kubernetes watch. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";

/**
 * Writes until `lines` ends or the client goes; waits where the client reads slowly. Closes the iterator, which watches
 * the signal itself: only it knows whether that is the end that its reader expects. Where it fails the answer is broken
 * off or, without an abort, left to the caller to break off: with an end its reader would take it for the whole.
 */
export async function writeLines(
  response: ServerResponse,
  lines: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { ...response.getHeaders(), "content-type": "application/x-ndjson" });
  response.flushHeaders();
  try {
    for await (const line of lines) {
      if (response.destroyed) return;
      if (!response.write(`${JSON.stringify(line)}\n`)) await drained(response, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return void response.destroy();
  }
  response.end();
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, "drain", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
