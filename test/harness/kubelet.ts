/**
 * The kubelet's port-forward (v4.channel.k8s.io), for a real API server that has no node: it leads every pod's port to
 * one port of this machine. The API server does all that comes before: authentication, RBAC, the upgrade.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import * as path from "node:path";
import type { Duplex } from "node:stream";
import type { ApiServer } from "./api-server.ts";

export type Kubelet = AsyncDisposable & {
  /** Ports that were asked for, in order. */
  readonly asked: readonly string[];
  readonly node: string;
};

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BINARY = 2;
const CLOSE = 8;

/** Registers itself as a node of `api`; forwards to `port`. */
export async function startKubelet(api: ApiServer, port: number): Promise<Kubelet> {
  const certificates = path.dirname(api.caFile);
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer({
    cert: await readFile(api.caFile),
    key: await readFile(path.join(certificates, "apiserver.key")),
  });
  server.on("upgrade", (request, socket: Duplex) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy()));
    asked.push(request.url ?? "");
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`,
    );
    forward(socket, port);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const node = "forwarder";
  await register(api, node, (server.address() as AddressInfo).port);
  return {
    asked,
    node,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function register(api: ApiServer, name: string, Port: number): Promise<void> {
  const made = await api.request("POST", "/api/v1/nodes", { metadata: { name } });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  await api.request("PATCH", `/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    },
  });
}

/** Channel 0 is data, 1 is errors; the first message of each is the port. */
function forward(socket: Duplex, port: number): void {
  const target: Socket = connect(port, "127.0.0.1");
  const portBytes = Buffer.from([port & 0xff, port >> 8]);
  socket.write(frame(Buffer.concat([Buffer.of(0), portBytes])));
  socket.write(frame(Buffer.concat([Buffer.of(1), portBytes])));
  target.on("data", (chunk) => socket.write(frame(Buffer.concat([Buffer.of(0), chunk]))));
  target.on("error", (error) => socket.write(frame(Buffer.concat([Buffer.of(1), Buffer.from(error.message)]))));
  target.on("close", () => socket.end());
  socket.on("close", () => target.destroy());
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let message = parse(rest); message !== undefined; message = parse(rest)) {
      rest = rest.subarray(message.bytes);
      if (message.opcode === CLOSE) socket.end();
      else if (message.payload[0] === 0) target.write(message.payload.subarray(1));
    }
  });
}

function frame(payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.of(0x80 | BINARY, payload.length)
      : Buffer.concat([Buffer.of(0x80 | BINARY, 127), lengthOf(payload)]);
  return Buffer.concat([head, payload]);
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

type Message = { readonly opcode: number; readonly payload: Buffer; readonly bytes: number };

/** The first whole message, unmasked (RFC 6455, 5.2); clients mask each. */
function parse(buffer: Buffer): Message | undefined {
  if (buffer.length < 2) return undefined;
  const short = buffer[1]! & 0x7f;
  const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
  const start = 2 + extra + 4;
  if (buffer.length < start) return undefined;
  const length = extra === 8 ? Number(buffer.readBigUInt64BE(2)) : extra === 2 ? buffer.readUInt16BE(2) : short;
  if (buffer.length < start + length) return undefined;
  const mask = buffer.subarray(start - 4, start);
  const payload = Buffer.from(buffer.subarray(start, start + length).map((byte, at) => byte ^ mask[at % 4]!));
  return { opcode: buffer[0]! & 0x0f, payload, bytes: start + length };
}
