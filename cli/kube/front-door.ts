/**
 * The front door of a cluster (api 13): by an address that the user gives, else through the API server: by its proxy of
 * Service `ark-operator`, or, where that is closed, by a connection to a pod of it.
 *
 * F1  Only tokens that Ark made go to the door, never a credential of the cluster.
 * F2  Each request has a connection of its own, which ends with it: nothing keeps the command from ending.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { ArkError } from "#core/errors.ts";
import { answerText } from "../answer-text.ts";

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

const DOOR_NAME = `Service ${DOOR.service} in ${DOOR.namespace}`;
const LOOK_MS = 10_000;

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

/** `start` makes a request that goes through the API server, which keeps the `Authorization` header for itself. */
export function doorByProxy(
  start: (request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  }) => Promise<ClientRequest>,
): FrontDoor {
  return {
    description: DOOR_NAME,
    send: (request) => {
      const { authorization: _kept, ...headers } = headersOf(request);
      const { method, path, token } = request;
      return ask(DOOR_NAME, request, (signal) =>
        start({ method, path, headers: { ...headers, "x-ark-token": token }, signal }),
      );
    },
  };
}

/** The first where it is open, else the second; nothing but a look at its health is sent to find out. */
export function firstOpen(first: FrontDoor, second: FrontDoor): FrontDoor {
  let closed: Promise<string | undefined> | undefined;
  return {
    description: first.description,
    send: async (request) => {
      const why = await (closed ??= whyClosed(first, request.signal));
      if (why === undefined) return first.send(request);
      return second.send(request).catch((error: unknown) => {
        if (!(error instanceof ArkError) || request.signal.aborted) throw error;
        const cause = { cause: error };
        throw new ArkError(error.code, `${error.message}; by the API server's proxy: ${why}`, error.hint, cause);
      });
    },
  };
}

async function whyClosed(door: FrontDoor, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await door.send({ method: "GET", path: "/healthz", token: "", timeoutMs: LOOK_MS, signal });
    if (answer.status === 200) return void (await answerText(answer.body));
    const { message, title } = await jsonOf(answer);
    return [message, title].find((text) => typeof text === "string") ?? `HTTP ${answer.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** `connect` gives a connection to the door's port. */
export function doorThrough(connect: () => Promise<Duplex>): FrontDoor {
  return {
    description: DOOR_NAME,
    send: async (request) => {
      const connection = await connect().catch((error: unknown) => {
        throw unreachable(DOOR_NAME, error);
      });
      request.signal.addEventListener("abort", () => connection.destroy(), { once: true });
      return ask(DOOR_NAME, request, (signal) =>
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
  start: (signal: AbortSignal) => ClientRequest | Promise<ClientRequest>,
): Promise<DoorAnswer> {
  using late = lateAfter(timeoutMs);
  try {
    const response = await answerOf(await start(AbortSignal.any([signal, late.signal])), body);
    return {
      status: response.statusCode ?? 0,
      header: (wanted) => [response.headers[wanted]].flat()[0],
      body: bodyOf(name, response, signal),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw unreachable(name, late.signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error);
  }
}

/** Throws ArkError `server.unreachable` where it breaks off. */
async function* bodyOf(name: string, response: AsyncIterable<Uint8Array>, signal: AbortSignal) {
  try {
    yield* response;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw unreachable(name, error, "broke off its answer");
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

/** The whole body as JSON; `{}` for none. Throws ArkError `server.unreachable` where it breaks off. */
export async function jsonOf(answer: DoorAnswer): Promise<Readonly<Record<string, unknown>>> {
  const text = await answerText(answer.body).catch((error: unknown) => {
    throw error instanceof ArkError ? error : unreachable(DOOR_NAME, error);
  });
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // A proxy in between that answers with a page of its own.
    return { title: `HTTP ${answer.status}: ${text.slice(0, 200)}` };
  }
}

function unreachable(name: string, error: unknown, did = "did not answer"): ArkError {
  const why = error instanceof Error ? error.message : String(error);
  const hint = "Check it with `ark doctor`; an address that you can reach: --server URL or ARK_SERVER.";
  return new ArkError("server.unreachable", `the front door (${name}) ${did}: ${why}`, hint, { cause: error });
}
