/**
 * A model server for local mode and tests: OpenAI chat completions over real HTTP, answers from a script.
 *
 * M1  Every request that arrives is in the log before it is answered; `answered` turns true when the whole answer goes
 *     to the socket, before the far side can have it: sums over the log are what a client can have been charged.
 * M2  Equal requests get equal answers: nothing here depends on time or chance.
 * M3  `stop` ends open requests too; nothing stays open after it resolves.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reply } from "./reply.ts";
import { defaultAnswer } from "./default-answer.ts";
import { chooser, type Answer, type Chooser, type Script } from "./script.ts";
import { completionOf, readRequest, type Usage } from "./wire.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const KEEP_REQUESTS = 20_000;

export type LoggedRequest = {
  readonly index: number;
  /** Header `idempotency-key`. */
  readonly key: string | undefined;
  /** sha256 of the body. */
  readonly digest: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  answered: boolean;
  /** What the answer said it cost; absent for errors. */
  usage?: Usage;
};

export type ModelServer = AsyncDisposable & {
  /** Base URL of the API, `/v1` included. */
  readonly url: string;
  readonly port: number;
  /** In order of arrival, the newest `keepRequests`. */
  requests(): readonly LoggedRequest[];
  /** Requests that a list had no answer for, and answers of it that nobody asked for. */
  mismatch(): { readonly unexpected: number; readonly left: number };
  stop(): Promise<void>;
};

export type ModelServerOptions = {
  readonly script?: Script;
  readonly port?: number;
  readonly host?: string;
  /** Bound of the log, bodies included; 20,000 unless set. */
  readonly keepRequests?: number;
};

type State = {
  readonly chooser: Chooser;
  readonly log: LoggedRequest[];
  readonly stopping: AbortSignal;
  readonly keepRequests: number;
  count: number;
  unexpected: number;
};

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const stopping = new AbortController();
  const state: State = {
    chooser: chooser(options.script),
    log: [],
    stopping: stopping.signal,
    keepRequests: options.keepRequests ?? KEEP_REQUESTS,
    count: 0,
    unexpected: 0,
  };
  const server = createServer((request, response) => {
    serve(state, request, response).catch(() => response.destroy());
  });
  server.requestTimeout = 60_000;
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    stopping.abort();
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1`,
    port,
    requests: () => state.log,
    mismatch: () => ({ unexpected: state.unexpected, left: state.chooser.left() }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (request.method === "GET" && path.endsWith("/models")) {
    return sendJson(response, 200, { object: "list", data: [{ id: "mock", object: "model", owned_by: "ark" }] });
  }
  if (request.method !== "POST" || !path.endsWith("/chat/completions")) {
    return sendError(response, { status: 404, message: `${request.method} ${path} is not served here` });
  }
  const text = await readBody(request);
  if (text === undefined) return sendError(response, { status: 413, message: "the body is too large" });
  const read = readRequest(text);
  if (read.kind === "bad") return sendError(response, { status: 400, message: read.reason });
  const entry = logged(state, request, text, read);
  await answerTo(state, entry, read.request, response);
}

function logged(
  state: State,
  request: IncomingMessage,
  text: string,
  read: { body: LoggedRequest["body"]; request: { model: string } },
): LoggedRequest {
  const key = request.headers["idempotency-key"];
  const entry: LoggedRequest = {
    index: state.count++,
    key: typeof key === "string" ? key : undefined,
    digest: createHash("sha256").update(text).digest("hex"),
    model: read.request.model,
    body: read.body,
    headers: request.headers,
    answered: false,
  };
  state.log.push(entry);
  if (state.log.length > state.keepRequests) state.log.shift();
  return entry;
}

async function answerTo(
  state: State,
  entry: LoggedRequest,
  request: Parameters<typeof defaultAnswer>[0],
  response: ServerResponse,
): Promise<void> {
  const chosen = await state.chooser.next(request, entry.index);
  if (chosen === "unexpected") state.unexpected++;
  const answer = toAnswer(chosen, request);
  await answer.until;
  if (answer.delayMs !== undefined) await pause(answer.delayMs, state.stopping);
  if (answer.hang === true) return;
  if (answer.status !== undefined) return sendError(response, { ...answer, status: answer.status });
  const id = `chatcmpl-${entry.digest.slice(0, 24)}-${entry.index}`;
  const completion = completionOf(answer, request, id);
  const answered = () => {
    entry.answered = true;
    entry.usage = completion.usage;
  };
  await reply(response, { answer, request, completion, id, answered });
}

function toAnswer(chosen: Answer | "default" | "unexpected", request: Parameters<typeof defaultAnswer>[0]): Answer {
  if (chosen === "default") return defaultAnswer(request);
  if (chosen === "unexpected") return { status: 400, message: "unexpected call: the script has no answer left" };
  return chosen;
}

function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on("end", () => resolve(bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined));
    request.on("error", reject);
    request.on("close", () => reject(new Error("the request ended early")));
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

type ErrorAnswer = {
  status: number;
  message?: string | undefined;
  param?: string | undefined;
  retryAfterSeconds?: number | undefined;
};

function sendError(response: ServerResponse, { status, message, param, retryAfterSeconds }: ErrorAnswer): void {
  const error = {
    message: message ?? (status === 429 ? "too many requests" : `scripted status ${status}`),
    type: status >= 500 ? "server_error" : "invalid_request_error",
    param: param ?? null,
    code: status === 429 ? "rate_limit_exceeded" : null,
  };
  sendJson(
    response,
    status,
    { error },
    retryAfterSeconds === undefined ? {} : { "retry-after": `${retryAfterSeconds}` },
  );
}
