/** The Kubernetes API over plain HTTPS: what a test asks the server must not depend on the client under test. */
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";

export type Answer = { status: number; body: Record<string, unknown> };

export type AskOptions = {
  /** Instead of the administrator's. */
  token?: string;
  /** PATCH is a JSON merge patch unless told otherwise. */
  contentType?: string;
  /** Tables, as kubectl asks for them; JSON unless told otherwise. */
  accept?: string;
  signal?: AbortSignal;
};

/** Rejects only when there is no answer: every status is one. */
export type Ask = (method: string, path: string, body?: unknown, options?: AskOptions) => Promise<Answer>;

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024 * 1024;

export type KubeRest = Disposable & { readonly request: Ask };

export function kubeRest({ url, ca, token }: { url: string; ca: string; token: string }): KubeRest {
  const agent = new Agent({ keepAlive: true, ca });
  const request: Ask = async (method, path, body, options = {}) => {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const headers: Record<string, string> = { authorization: `Bearer ${options.token ?? token}` };
    const type = options.contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json");
    if (body !== undefined) headers["content-type"] = type;
    if (options.accept !== undefined) headers["accept"] = options.accept;
    const response = await send(
      new URL(path, url),
      { method, headers, agent, signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout },
      body === undefined ? undefined : JSON.stringify(body),
    );
    return { status: response.statusCode ?? 0, body: parse(await read(response)) };
  };
  return { request, [Symbol.dispose]: () => agent.destroy() };
}

function send(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpsRequest(url, options, resolve).on("error", reject).end(body);
  });
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Health checks and some refusals are plain text. */
function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : { text };
  } catch {
    return { text };
  }
}
