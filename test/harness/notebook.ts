/** A webhook tool on a real socket: it takes notes, and remembers under which key each one came. */
import { startHttp } from "./http.ts";

export type Notebook = AsyncDisposable & {
  readonly url: string;
  /** Idempotency keys, in order of arrival; a key twice is a call that was made again. */
  keys(): readonly string[];
};

export async function startNotebook(): Promise<Notebook> {
  const keys: string[] = [];
  const server = await startHttp((request, response) => {
    keys.push(String(request.headers["idempotency-key"] ?? ""));
    request.resume();
    request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"noted":true}'));
  });
  return { ...server, url: `${server.url}/notes`, keys: () => keys };
}
