/** A webhook tool on a real socket: it takes notes, and remembers under which key each one came. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Notebook = AsyncDisposable & {
  readonly url: string;
  /** Idempotency keys, in order of arrival; a key twice is a call that was made again. */
  keys(): readonly string[];
};

export async function startNotebook(): Promise<Notebook> {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"] ?? ""));
    request.resume();
    request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"noted":true}'));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/notes`,
    keys: () => keys,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
