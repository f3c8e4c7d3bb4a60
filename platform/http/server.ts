/**
 * Listens for an app, under limits, and drains.
 *
 * V1  Headers in 10 s and under 16 KiB, the whole request in 60 s; else it is refused as problem+json.
 * V2  A client that sends on after its answer is cut off after `LINGER_MS`: its answer has reached it by then.
 * V3  `stop` takes no new connection, ends idle ones, lets open requests finish for the grace, then ends them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

export type ServeOptions = {
  readonly port: number;
  readonly host?: string;
  /** Keep above what a proxy in front keeps idle connections for. */
  readonly keepAliveMs?: number;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly maxConnections?: number;
};

export type Serving = AsyncDisposable & {
  readonly port: number;
  readonly url: string;
  /** V3. Resolves when nothing is open any more. */
  stop(graceMs: number): Promise<void>;
};

const MAX_HEADER_BYTES = 16 * 1024;
const LINGER_MS = 2_000;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Rejects when the port is taken. */
export async function serve(listener: Listener, options: ServeOptions): Promise<Serving> {
  /** Connections that have sent no request yet: Node does not count them as idle (V3). */
  const fresh = new Set<Socket>();
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 60_000,
      keepAliveTimeout: options.keepAliveMs ?? 75_000,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      response.once("finish", () => {
        linger(request);
        // Node ends the idle connections at `close` only; this one becomes idle after it (V3).
        if (!server.listening) setImmediate(() => server.closeIdleConnections());
      });
      fresh.delete(request.socket);
      listener(request, response);
    },
  );
  server.on("connection", (socket) => {
    fresh.add(socket);
    socket.once("close", () => fresh.delete(socket));
  });
  server.maxConnections = options.maxConnections ?? 10_000;
  server.on("clientError", refuse);
  const host = options.host ?? "0.0.0.0";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = once((graceMs: number) => drain(server, fresh, graceMs));
  return {
    port,
    url: `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`,
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  };
}

/** V2. Closing at once would reset the connection, and the client would never read why it was refused. */
function linger(request: IncomingMessage): void {
  if (request.complete || request.socket.destroyed) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  // A connection outlives its requests by hours: nothing of one may stay on it (E12).
  const done = () => {
    clearTimeout(timer);
    socket.off("close", done);
  };
  request.once("end", done);
  socket.once("close", done);
  request.resume();
}

async function drain(server: Server, fresh: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  for (const socket of fresh) socket.destroy();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

function once(stop: (graceMs: number) => Promise<void>): (graceMs: number) => Promise<void> {
  let stopped: Promise<void> | undefined;
  return (graceMs) => (stopped ??= stop(graceMs));
}

/** Node could not read a request: there is no response object, so the answer is written by hand. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable || (socket as Socket).destroyed) return void socket.destroy();
  const [status, code, title] = refusal(error.code);
  const body = JSON.stringify({ type: `https://ark.dev/problems/${code}`, title, status, detail: title, code });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusal(code: string | undefined): readonly [number, string, string] {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "slow-request", "Request Timeout"];
  if (code === "HPE_HEADER_OVERFLOW") return [431, "headers-too-large", "Request Header Fields Too Large"];
  return [400, "bad-request", "Bad Request"];
}
