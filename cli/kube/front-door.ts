/**
 * The front door of a cluster (api 13): by an address that the user gives, else by a connection to a pod of Service
 * `ark-operator` that the API server makes.
 *
 * F1  Only tokens that Ark made go to the door, never a credential of the cluster.
 * F2  Each request has a connection of its own, which ends with it: nothing keeps the command from ending.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { ArkError } from "#core/errors.ts";

export const DOOR = { namespace: "ark-system", service: "ark-operator", port: 8092 } as const;

export type DoorRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Until the head of the answer is there; 0: no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};
export type DoorAnswer = {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
};
export type FrontDoor = { readonly description: string; send(request: DoorRequest): Promise<DoorAnswer> };

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Address of an Ingress; throws ArkError `usage` for what is none. */
export function doorAt(server: string): FrontDoor {
  const base = addressOf(server);
  const start = base.protocol === "https:" ? httpsRequest : httpRequest;
  return {
    description: base.href,
    send: (request) => {
      const url = new URL(`${base.pathname.replace(/\/+$/, "")}${request.path}`, base);
      return ask(base.href, request, (signal) =>
        start(url, { method: request.method, headers: headersOf(request), agent: false, signal }),
      );
    },
  };
}

function addressOf(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new ArkError(
    "usage",
    `--server is ${JSON.stringify(server)}`,
    "Give an address such as https://ark.example.com.",
  );
}

/** `connect` gives a connection to the door's port. */
export function doorThrough(connect: () => Promise<Duplex>): FrontDoor {
  const name = `Service ${DOOR.service} in ${DOOR.namespace}`;
  return {
    description: name,
    send: async (request) => {
      const connection = await connect().catch((error: unknown) => {
        throw unreachable(name, error);
      });
      request.signal.addEventListener("abort", () => connection.destroy(), { once: true });
      return ask(name, request, (signal) =>
        httpRequest({
          host: `${DOOR.service}.${DOOR.namespace}`,
          path: request.path,
          method: request.method,
          headers: headersOf(request),
          // Without an agent, which would ignore it; the request then says `Connection: close`.
          createConnection: () => connection,
          signal,
        }),
      );
    },
  };
}

function headersOf({ token, body, headers = {} }: DoorRequest): Readonly<Record<string, string>> {
  const content = body === undefined ? {} : { "content-type": "application/json" };
  return { authorization: `Bearer ${token}`, accept: "*/*", ...content, ...headers };
}

async function ask(
  name: string,
  { body, timeoutMs, signal }: DoorRequest,
  start: (signal: AbortSignal) => ClientRequest,
): Promise<DoorAnswer> {
  using late = lateAfter(timeoutMs);
  try {
    const response = await answerOf(start(AbortSignal.any([signal, late.signal])), body);
    return {
      status: response.statusCode ?? 0,
      header: (wanted) => [response.headers[wanted]].flat()[0],
      body: response as AsyncIterable<Uint8Array>,
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw unreachable(name, late.signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error);
  }
}

function lateAfter(timeoutMs: number): Disposable & { readonly signal: AbortSignal } {
  const late = new AbortController();
  const timer = timeoutMs === 0 ? undefined : setTimeout(() => late.abort(), timeoutMs);
  return { signal: late.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

function answerOf(request: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve).once("error", reject).end(body);
  });
}

/** The whole body as JSON; `{}` for none. */
export async function jsonOf(answer: DoorAnswer): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw unreachable("the front door", new Error(`more than ${MAX_BODY_BYTES} bytes`));
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // A proxy in between that answers with a page of its own.
    return { title: `HTTP ${answer.status}: ${text.slice(0, 200)}` };
  }
}

function unreachable(name: string, error: unknown): ArkError {
  const why = error instanceof Error ? error.message : String(error);
  const hint = "Check it with `ark doctor`; an address that you can reach: --server URL or ARK_SERVER.";
  return new ArkError("server.unreachable", `the front door (${name}) did not answer: ${why}`, hint, { cause: error });
}
