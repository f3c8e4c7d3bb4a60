/**
 * Opens one connection to an MCP server: streamable HTTP, then SSE; or a process of its own for `stdio:` (local mode).
 *
 * G1  SSE is tried only where the server says that it does not know streamable HTTP (400, 404, 405): an outage or a
 *     refused login is reported as such.
 * G2  Every message is bounded in size; `overflow` aborts when one was not.
 * G3  A connection that closed by itself calls `onClose`, once.
 * G4  A request whose stream ended without an answer fails then, not at its timeout.
 * G5  The connections of a client certificate end with the connection they were opened for, or with its failure.
 */
import type * as mcp from "@modelcontextprotocol/client";
import type { ResolvedMcpServer } from "#core/agent/task.ts";
import { boundedFetch, MessageTooLarge } from "./bounded-fetch.ts";
import { parseStdioUrl } from "./command.ts";
import { hasCode, reasonOf, statusOf, STREAM_ENDED } from "./failure.ts";
import { tlsFetch, type TlsFetch } from "./tls-fetch.ts";

export type Connection = {
  readonly client: mcp.Client;
  readonly overflow: AbortSignal;
  readonly close: () => Promise<void>;
};

export type Dialled =
  | { readonly kind: "open"; readonly connection: Connection }
  | { readonly kind: "failed"; readonly reason: string };

export type Limits = { readonly maxMessageBytes: number; readonly connectMs: number };

type Sdk = typeof mcp;
type Transport = mcp.Transport;
type Attempt = {
  readonly sdk: Sdk;
  readonly server: ResolvedMcpServer;
  readonly limits: Limits;
  readonly onClose: () => void;
  readonly signal: AbortSignal;
};

const CLIENT_INFO = { name: "ark", version: "0.1.0" };
const SSE_ONLY = new Set([400, 404, 405]);
/** Never rejects. */
export async function dial(
  server: ResolvedMcpServer,
  limits: Limits,
  onClose: () => void,
  signal: AbortSignal,
): Promise<Dialled> {
  const sdk = await import("@modelcontextprotocol/client");
  const attempt: Attempt = { sdk, server, limits, onClose, signal };
  try {
    return await (server.url.startsWith("stdio:") ? dialProcess(attempt) : dialHttp(attempt));
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

async function dialProcess(attempt: Attempt): Promise<Dialled> {
  const parsed = parseStdioUrl(attempt.server.url);
  if (parsed === undefined) return { kind: "failed", reason: `${attempt.server.url} names no command` };
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const overflow = new AbortController();
  const transport = new StdioClientTransport({
    command: parsed.command,
    args: [...parsed.args],
    stderr: "ignore",
    maxBufferSize: attempt.limits.maxMessageBytes,
  });
  return open(attempt, transport, overflow, "legacy");
}

async function dialHttp(attempt: Attempt): Promise<Dialled> {
  const { server } = attempt;
  const url = new URL(server.url);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { kind: "failed", reason: `${url.protocol} is not served: use http or https` };
  }
  if (url.username !== "" || url.password !== "") {
    return { kind: "failed", reason: "the URL holds credentials: put them into headers or auth" };
  }
  if (server.tls === undefined) return dialWith(attempt, url, globalThis.fetch);
  if (url.protocol !== "https:") return { kind: "failed", reason: "a client certificate needs an https url" };
  return dialWithCertificate(attempt, url, await tlsFetch(server.tls));
}

/** G5. */
async function dialWithCertificate(attempt: Attempt, url: URL, { fetch, close }: TlsFetch): Promise<Dialled> {
  const onClose = () => {
    void close();
    attempt.onClose();
  };
  const dialled = await dialWith({ ...attempt, onClose }, url, fetch).catch((error: unknown): Dialled => ({
    kind: "failed",
    reason: reasonOf(error) + hintOf(error),
  }));
  if (dialled.kind === "failed") {
    await close();
    return dialled;
  }
  const { connection } = dialled;
  const closeBoth = async () => {
    await connection.close();
    await close();
  };
  return { kind: "open", connection: { ...connection, close: closeBoth } };
}

const HUNG_UP = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/;

/** Some servers refuse a certificate without a word. */
function hintOf(error: unknown): string {
  return hasCode(error, HUNG_UP) ? ": does it accept the client certificate?" : "";
}

async function dialWith(attempt: Attempt, url: URL, unbounded: typeof globalThis.fetch): Promise<Dialled> {
  const { server, sdk } = attempt;
  const overflow = new AbortController();
  const requestInit = { headers: { ...server.headers } };
  const fetch = boundedFetch(attempt.limits.maxMessageBytes, (error) => overflow.abort(error), unbounded);
  try {
    const transport = new sdk.StreamableHTTPClientTransport(url, {
      requestInit,
      fetch,
      onInsufficientScope: "throw",
      reconnectionOptions: {
        initialReconnectionDelay: 200,
        maxReconnectionDelay: 2_000,
        reconnectionDelayGrowFactor: 2,
        maxRetries: 2,
      },
    });
    failEndedStreams(transport);
    return await open(attempt, transport, overflow, "auto");
  } catch (error) {
    if (!SSE_ONLY.has(statusOf(error) ?? 0)) throw error;
    return await openSse(attempt, url, overflow, requestInit, fetch).catch(() => {
      throw error;
    });
  }
}

/** The client does not ask the transport to tell it (G4): so the end is handed to it as the answer. */
function failEndedStreams(transport: Transport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (!("id" in message) || !("method" in message)) return send(message, options);
    const { id } = message;
    const onRequestStreamEnd = () => {
      options?.onRequestStreamEnd?.();
      const error = { code: STREAM_ENDED, message: "the stream ended before the answer came" };
      transport.onmessage?.({ jsonrpc: "2.0", id, error });
    };
    return send(message, { ...options, onRequestStreamEnd });
  };
}

function openSse(
  attempt: Attempt,
  url: URL,
  overflow: AbortController,
  requestInit: RequestInit,
  fetch: typeof globalThis.fetch,
): Promise<Dialled> {
  const transport = new attempt.sdk.SSEClientTransport(url, { requestInit, fetch });
  return open(attempt, transport, overflow, "legacy");
}

async function open(
  { sdk, limits, onClose, signal }: Attempt,
  transport: Transport,
  overflow: AbortController,
  mode: "auto" | "legacy",
): Promise<Dialled> {
  const client = new sdk.Client(CLIENT_INFO, { capabilities: {}, versionNegotiation: { mode } });
  const timeout = AbortSignal.timeout(limits.connectMs);
  try {
    await client.connect(transport, { timeout: limits.connectMs, signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    await client.close().catch(() => undefined);
    if (timeout.aborted) throw new Error(`no answer within ${limits.connectMs / 1000} s`, { cause: error });
    throw error;
  }
  let closing = false;
  client.onclose = () => {
    if (!closing) onClose();
  };
  client.onerror = (error) => {
    if (isTooLarge(error)) overflow.abort(error);
  };
  const close = async () => {
    closing = true;
    if ("terminateSession" in transport) await endSession(transport as mcp.StreamableHTTPClientTransport);
    await client.close().catch(() => undefined);
  };
  return { kind: "open", connection: { client, overflow: overflow.signal, close } };
}

/** Best effort: the server may be gone, or know no sessions. */
async function endSession(transport: mcp.StreamableHTTPClientTransport): Promise<void> {
  const given = AbortSignal.timeout(1_000);
  await Promise.race([
    transport.terminateSession().catch(() => undefined),
    new Promise((resolve) => given.addEventListener("abort", resolve)),
  ]);
}

function isTooLarge(error: Error): boolean {
  return error instanceof MessageTooLarge || /buffer.*(exceed|size|limit)/i.test(error.message);
}
