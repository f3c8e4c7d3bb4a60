/**
 * Webhook tools: one HTTP request per call (api 3, D30).
 *
 * H1  GET sends the arguments as the query, every other method as a JSON body.
 * H2  Every try of a call carries the same `Idempotency-Key`; so a try whose end is unknown may be made again.
 * H3  http and https only, no credentials in the URL, no redirects: a server cannot send the headers of a tool, which
 *     may hold secrets, elsewhere.
 * H4  Time and size are limited. What the model reads is text; bytes are named, not shown.
 */
import { innermostReason } from "#core/causes.ts";
import { retryAfterMs } from "#core/retry-after.ts";
import type { SingleTool } from "#core/agent/toolbox.ts";
import type { ToolErrorCode, ToolOutcome } from "#core/agent/ports.ts";
import type { ResolvedWebhookTool } from "#core/agent/task.ts";

export type WebhookToolOptions = { readonly maxResultBytes?: number };

const MAX_RESULT_BYTES = 1024 * 1024;
const MAY_PASS = new Set([408, 425, 429, 500, 502, 503, 504]);
const TEXTUAL = /^text\/|[/+](json|xml|yaml|javascript|x-www-form-urlencoded|csv|graphql)\b/;

type Args = Readonly<Record<string, unknown>>;

export function createWebhookTools(
  tools: readonly ResolvedWebhookTool[],
  { maxResultBytes = MAX_RESULT_BYTES }: WebhookToolOptions = {},
): SingleTool[] {
  return tools.map((tool) => ({
    spec: { name: tool.name, description: tool.description, inputSchema: tool.inputSchema },
    call: (args, { idempotencyKey }, signal) => call(tool, args, idempotencyKey, maxResultBytes, signal),
  }));
}

async function call(
  tool: ResolvedWebhookTool,
  args: Args,
  idempotencyKey: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  const url = allowedUrl(tool.url);
  if (typeof url === "string") return failure("tool.failed", url, false);
  const timeout = AbortSignal.timeout(tool.timeoutMs);
  try {
    const response = await fetch(requestUrl(tool, url, args), {
      method: tool.method,
      headers: { ...tool.headers, ...bodyHeaders(tool), "idempotency-key": idempotencyKey },
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
      ...(tool.method !== "GET" && { body: JSON.stringify(args) }),
    });
    const bytes = await readUpTo(response, maxBytes);
    return bytes === undefined ? tooLarge(maxBytes) : outcomeOf(response, bytes);
  } catch (error) {
    if (timeout.aborted) return failure("tool.timeout", `no answer within ${tool.timeoutMs / 1000} s`, true);
    return failure("tool.unreachable", `the tool could not be reached: ${innermostReason(error)}`, true);
  }
}

/** The URL, or why it is not dialled. */
function allowedUrl(text: string): URL | string {
  if (!URL.canParse(text)) return "the tool's URL is not a URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `the tool's URL is ${url.protocol}, not http or https`;
  if (url.username !== "" || url.password !== "") return "the tool's URL holds credentials: put them into headers";
  return url;
}

/** What the URL itself says stays: the model cannot change it. */
function requestUrl({ method }: ResolvedWebhookTool, url: URL, args: Args): URL {
  if (method !== "GET") return url;
  for (const [name, value] of Object.entries(args)) {
    if (url.searchParams.has(name)) continue;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      url.searchParams.append(name, typeof one === "string" ? one : JSON.stringify(one));
    }
  }
  return url;
}

function bodyHeaders({ method }: ResolvedWebhookTool): Record<string, string> {
  return method === "GET" ? {} : { "content-type": "application/json" };
}

/** Undefined when there is more. */
async function readUpTo(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function outcomeOf(response: Response, bytes: Uint8Array): ToolOutcome {
  const text = textOf(response, bytes);
  if (response.ok) return { kind: "result", text: text === "" ? `(nothing, HTTP ${response.status})` : text };
  const { status, headers } = response;
  const moved = status >= 300 && status < 400 ? ` It points to ${headers.get("location") ?? "nowhere"}.` : "";
  const afterMs = retryAfterMs(headers.get("retry-after"), Date.now());
  return {
    kind: "error",
    code: "tool.failed",
    text: `HTTP ${status}.${moved} ${text}`.trim(),
    mayPass: MAY_PASS.has(status),
    ...(afterMs !== undefined && { afterMs }),
  };
}

function textOf(response: Response, bytes: Uint8Array): string {
  const type = response.headers.get("content-type") ?? "text/plain";
  if (TEXTUAL.test(type)) return new TextDecoder().decode(bytes);
  return bytes.byteLength === 0 ? "" : `[${type}, ${bytes.byteLength} bytes]`;
}

function tooLarge(maxBytes: number): ToolOutcome {
  return failure("tool.too_large", `the tool's answer is larger than ${maxBytes} bytes; ask for less`, false);
}

function failure(code: ToolErrorCode, text: string, mayPass: boolean): ToolOutcome {
  return { kind: "error", code, text, mayPass };
}
