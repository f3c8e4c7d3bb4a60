/** A far side over HTTP in one line: `await using there = await startHttp((request, response) => …);` on a free port. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export type TestHttp = {
  /** Without a path. */
  readonly url: string;
  /** Nobody is waited for: what is still open is cut. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** How long a request may take to come. */
const TIMEOUT_MS = 30_000;

export async function startHttp(listener: RequestListener): Promise<TestHttp> {
  const server = createServer({ requestTimeout: TIMEOUT_MS }, listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
