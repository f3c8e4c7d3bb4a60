/**
 * MCP servers as the toolbox wants them.
 *
 * K1  One connection per server, shared by all tasks of the process, dialled when first needed.
 * K2  A connection that closed, broke or overflowed is dropped; the next use dials again (D27). So is one that does not
 *     answer a listing in time; a single tool may be slow and costs the others nothing.
 * K3  After a failed dial nobody waits for the next one within a pause: each gets the last reason at once.
 * K4  A call is made a second time only where the server cannot have run it (its session was unknown), or says itself
 *     that the tool may be repeated.
 */
import type { Tool } from "@modelcontextprotocol/client";
import type { ToolOutcome, ToolSpec } from "#core/agent/ports.ts";
import type { ResolvedMcpServer } from "#core/agent/task.ts";
import type { ToolServer } from "#core/agent/toolbox.ts";
import { dial, type Connection, type Dialled, type Limits } from "./dial.ts";
import { hasCode, isProtocolError, reasonOf, statusOf } from "./failure.ts";
import { resultText } from "./result-text.ts";

export type McpOptions = {
  readonly maxMessageBytes?: number;
  readonly maxResultBytes?: number;
  /** Between two dials of a server that cannot be reached. */
  readonly redialMs?: number;
};

type Link =
  | { readonly phase: "closed" }
  | { readonly phase: "failed"; readonly reason: string; readonly until: number }
  | { readonly phase: "dialling"; readonly dialled: Promise<Dialled> }
  | { readonly phase: "open"; readonly connection: Connection };

const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
const MAX_RESULT_BYTES = 1024 * 1024;
const REDIAL_MS = 5_000;
const CONNECT_MS = 15_000;

export function createMcpServers(servers: readonly ResolvedMcpServer[], options: McpOptions = {}): ToolServer[] {
  return servers.map((server) => createMcpServer(server, options));
}

function createMcpServer(server: ResolvedMcpServer, options: McpOptions): ToolServer {
  const link = createLink(server, options);
  /** Tools whose calls may be repeated, by their own word. */
  const repeatable = new Set<string>();
  const context: CallContext = {
    server,
    link,
    repeatable,
    maxResultBytes: options.maxResultBytes ?? MAX_RESULT_BYTES,
  };
  return {
    name: server.name,
    url: server.url,
    list: async (signal) => {
      const listed = await withConnection(link, signal, {
        ask: (connection) =>
          connection.client.listTools(undefined, requestOptions(context, connection, signal).options),
        wasLeft: () => signal.aborted,
      });
      if (listed.kind === "failed") return { kind: "unreachable", reason: listed.reason };
      for (const tool of listed.value.tools) if (mayRepeat(tool)) repeatable.add(tool.name);
      return { kind: "tools", tools: listed.value.tools.map(toSpec) };
    },
    call: (name, args, { idempotencyKey }, signal) => callTool(context, { name, args, idempotencyKey }, signal),
    close: () => link.close(),
  };
}

function toSpec({ name, description, inputSchema }: Tool): ToolSpec {
  return { name, description: description ?? "", inputSchema };
}

function mayRepeat({ annotations }: Tool): boolean {
  return annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
}

type Connect = {
  readonly get: (signal: AbortSignal) => Promise<Dialled>;
  readonly drop: (connection: Connection) => void;
  readonly close: () => Promise<void>;
};

function createLink(server: ResolvedMcpServer, options: McpOptions): Connect {
  let link: Link = { phase: "closed" };
  let ended = new AbortController();
  const limits: Limits = {
    maxMessageBytes: options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
    connectMs: Math.min(CONNECT_MS, server.timeoutMs),
  };
  const start = async (): Promise<Dialled> => {
    // The dial belongs to all who wait for it: one task's abort does not end it.
    const dialled = await dial(server, limits, () => (link = { phase: "closed" }), ended.signal);
    link =
      dialled.kind === "open"
        ? { phase: "open", connection: dialled.connection }
        : { phase: "failed", reason: dialled.reason, until: Date.now() + (options.redialMs ?? REDIAL_MS) };
    return dialled;
  };
  const get = async (signal: AbortSignal): Promise<Dialled> => {
    if (link.phase === "open") return { kind: "open", connection: link.connection };
    if (link.phase === "failed" && Date.now() < link.until) return { kind: "failed", reason: link.reason };
    if (link.phase !== "dialling") link = { phase: "dialling", dialled: start() };
    return Promise.race([link.dialled, abortion(signal)]);
  };
  const drop = (connection: Connection) => {
    if (link.phase === "open" && link.connection === connection) link = { phase: "closed" };
    void connection.close();
  };
  const close = async () => {
    ended.abort();
    ended = new AbortController();
    const last = link.phase === "dialling" ? await link.dialled : undefined;
    const connection = link.phase === "open" ? link.connection : last?.kind === "open" ? last.connection : undefined;
    link = { phase: "closed" };
    await connection?.close();
  };
  return { get, drop, close };
}

function abortion(signal: AbortSignal): Promise<Dialled> {
  const failed: Dialled = { kind: "failed", reason: "the task was stopped" };
  return new Promise((resolve) => {
    if (signal.aborted) resolve(failed);
    else signal.addEventListener("abort", () => resolve(failed), { once: true });
  });
}

type CallContext = {
  readonly server: ResolvedMcpServer;
  readonly link: Connect;
  readonly repeatable: ReadonlySet<string>;
  readonly maxResultBytes: number;
};

type Used<T> =
  | { readonly kind: "done"; readonly value: T }
  /** `sent`: the server may have run what was asked. */
  | { readonly kind: "failed"; readonly reason: string; readonly sent: boolean; readonly error?: unknown };

type Use<T> = {
  readonly ask: (connection: Connection) => Promise<T>;
  /** The fault is ours: the request was given up, and others may still be waiting on the connection. */
  readonly wasLeft: () => boolean;
};

/** A session that the server does not know any more, after its restart, is the one fault mended here (K4). */
async function withConnection<T>(link: Connect, signal: AbortSignal, use: Use<T>): Promise<Used<T>> {
  for (let isSecond = false; ; isSecond = true) {
    const dialled = await link.get(signal);
    if (dialled.kind === "failed") return { ...dialled, sent: false };
    try {
      return { kind: "done", value: await use.ask(dialled.connection) };
    } catch (error) {
      if (isProtocolError(error) || use.wasLeft())
        return { kind: "failed", reason: reasonOf(error), sent: true, error };
      link.drop(dialled.connection);
      if (!isSecond && isUnknownSession(error)) continue;
      return { kind: "failed", reason: reasonOf(error), sent: !wasNeverSent(error), error };
    }
  }
}

/** Transports, 2025-11-25: 404 for a session that ended; several servers answer 400. */
function isUnknownSession(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || status === 400;
}

const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|NOT_CONNECTED)$/;

function wasNeverSent(error: unknown): boolean {
  return hasCode(error, NEVER_SENT) || isUnknownSession(error);
}

function requestOptions({ server }: CallContext, connection: Connection, signal: AbortSignal) {
  const timeout = AbortSignal.timeout(server.timeoutMs);
  const either = AbortSignal.any([signal, timeout, connection.overflow]);
  // The client's own timeout stands behind ours, which tells the two ends apart.
  return { options: { timeout: server.timeoutMs + 5_000, signal: either }, timeout };
}

type Call = {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string;
};

async function callTool(context: CallContext, call: Call, signal: AbortSignal): Promise<ToolOutcome> {
  const seen: { connection?: Connection; timeout?: AbortSignal } = {};
  const timedOut = () => seen.timeout?.aborted === true;
  const { name, args, idempotencyKey } = call;
  const used = await withConnection(context.link, signal, {
    ask: (connection) => {
      const { options, timeout } = requestOptions(context, connection, signal);
      Object.assign(seen, { connection, timeout });
      const _meta = { "arkonis.dev/idempotency-key": idempotencyKey };
      return connection.client.callTool({ name, arguments: { ...args }, _meta }, options);
    },
    wasLeft: () => signal.aborted || timedOut(),
  });
  if (used.kind === "done") return resultOf(used.value, context.maxResultBytes);
  if (isProtocolError(used.error)) return failure("tool.failed", used.reason, false);
  if (seen.connection?.overflow.aborted === true) {
    return failure("tool.too_large", "the server's answer is larger than Ark accepts", false);
  }
  const mayPass = !used.sent || context.repeatable.has(name);
  if (timedOut()) {
    return failure("tool.timeout", `the tool did not answer within ${context.server.timeoutMs / 1000} s`, mayPass);
  }
  return failure("tool.unreachable", `MCP server "${context.server.name}": ${used.reason}`, mayPass);
}

function resultOf(result: Parameters<typeof resultText>[0], maxBytes: number): ToolOutcome {
  const text = resultText(result);
  if (Buffer.byteLength(text) > maxBytes) {
    return failure("tool.too_large", `the tool's result is larger than ${maxBytes} bytes; ask for less`, false);
  }
  return result.isError === true ? failure("tool.failed", text, false) : { kind: "result", text };
}

function failure(code: Extract<ToolOutcome, { kind: "error" }>["code"], text: string, mayPass: boolean): ToolOutcome {
  return { kind: "error", code, text, mayPass };
}
