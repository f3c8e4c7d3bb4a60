/**
 * Requests to an API server: the configuration, credentials and TLS of @kubernetes/client-node under requests of our own,
 * so that a function loads no more of it than it uses.
 *
 * Q1  Every request ends: in an answer, at its timeout, or with the caller's signal.
 * Q2  An API server that cannot be reached, or asked for want of credentials, is overloaded or fails (5xx, 429) is
 *     `StoreUnavailable` (P8); every other answer is a value.
 */
import { createConfiguration, HttpMethod, type KubeConfig, RequestContext } from "@kubernetes/client-node";
import { innermostReason } from "#core/causes.ts";
import { parseJson } from "#core/json.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { type KubeSource, loadConfig, noConfig } from "./config.ts";

export type KubeAnswer = { readonly status: number; readonly body: unknown };

export type KubeRequest = {
  readonly method: keyof typeof HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

export type Kube = {
  /** Address of the API server. */
  readonly server: string;
  /** Namespace of the current context, or the pod's own. */
  readonly namespace: string;
  request(request: KubeRequest): Promise<KubeAnswer>;
  /** Lines of an answer that goes on; ends when the server ends it or `signal` aborts. */
  stream(request: KubeRequest & { readonly signal: AbortSignal }): AsyncIterable<unknown>;
};

const TIMEOUT_MS = 30_000;

/** Throws ArkError `server.unreachable` when no configuration can be read. */
export function openKube(source: KubeSource = {}): Kube {
  const config = loadConfig(source);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw noConfig("no cluster is configured");
  const { httpApi } = createConfiguration();
  const share = sharedConnections();

  const send = async (request: KubeRequest, signal: AbortSignal) => {
    const url = new URL(`${cluster.server}${request.path}`);
    for (const [key, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.set(key, value);
    const context = new RequestContext(url.toString(), HttpMethod[request.method]);
    await authenticate(context, config);
    share(context);
    context.setHeaderParam("accept", "application/json");
    if (request.body !== undefined) {
      context.setHeaderParam("content-type", request.contentType ?? "application/json");
      context.setBody(JSON.stringify(request.body));
    }
    context.setSignal(signal);
    return reached(httpApi.send(context).toPromise(), signal);
  };

  return {
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    async request(request) {
      const signal = limited(request);
      const response = await send(request, signal);
      const text = await reached(response.body.text(), signal);
      return answered(response.httpStatusCode, parseJson(text) ?? text);
    },
    async *stream(request) {
      const response = await send(request, request.signal);
      if (response.httpStatusCode !== 200) {
        const text = await reached(response.body.text(), request.signal);
        const { status, body } = answered(response.httpStatusCode, parseJson(text) ?? text);
        throw new WatchRefused(status, messageOf(body));
      }
      yield* jsonLines(response.body.stream() as AsyncIterable<Uint8Array>, request.signal);
    },
  };
}

/** Q2. Tokens and certificates are files that others write, and come from plugins: the next request may find them. */
async function authenticate(context: RequestContext, config: KubeConfig): Promise<void> {
  try {
    await config.applySecurityAuthentication(context);
  } catch (error) {
    throw new StoreUnavailable(`no credentials for the API server: ${innermostReason(error)}`, { cause: error });
  }
}

/** Certificates that rotate are in effect after this. */
const SHARED_MS = 60_000;

/** The client makes new connections for each request: they are shared here, so that a request is no TLS handshake. */
function sharedConnections(): (context: RequestContext) => void {
  let shared: { readonly dispatcher: ReturnType<RequestContext["getDispatcher"]>; readonly until: number } | undefined;
  return (context) => {
    const now = performance.now();
    if (shared === undefined || now > shared.until)
      shared = { dispatcher: context.getDispatcher(), until: now + SHARED_MS };
    if (shared.dispatcher !== undefined) context.setDispatcher(shared.dispatcher);
  };
}

/** The answer to a watch that cannot go on from where it was: 410, or no permission. */
export class WatchRefused extends Error {
  override readonly name = "WatchRefused";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function messageOf(body: unknown): string {
  if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string")
    return body.message;
  return typeof body === "string" ? body.slice(0, 500) : "no reason given";
}

/** Whether a create was refused for its name. A quota that is written meanwhile is a conflict (409) too. */
export function isTaken({ status, body }: KubeAnswer): boolean {
  if (status !== 409 || typeof body !== "object" || body === null) return false;
  return "reason" in body && body.reason === "AlreadyExists";
}

/** Q2. */
function answered(status: number, body: unknown): KubeAnswer {
  if (status >= 500 || status === 429)
    throw new StoreUnavailable(`the API server answered ${status}: ${messageOf(body)}`);
  return { status, body };
}

function limited({ timeoutMs = TIMEOUT_MS, signal }: KubeRequest): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

/** Q2. A caller's own abort stays what it is. */
async function reached<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const timedOut = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
    if (signal.aborted && !timedOut) throw error;
    throw new StoreUnavailable(`the API server cannot be reached: ${innermostReason(error)}`, { cause: error });
  }
}

async function* jsonLines(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of chunks) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new StoreUnavailable(`the API server ended a watch: ${innermostReason(error)}`, { cause: error });
  }
}
