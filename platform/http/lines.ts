/** A stream of JSON lines (NDJSON), the form of a Kubernetes watch. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";

/**
 * Writes until `lines` ends or the client goes; waits where the client reads slowly. Closes the iterator. Where `lines`
 * fails the answer is left without an end, for the caller to break off: else its reader would take it for the whole.
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
      if (signal.aborted) break;
      if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, "drain", { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  response.end();
}
