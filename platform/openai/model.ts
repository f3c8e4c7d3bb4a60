/**
 * Model port over the `openai` client, for every provider that speaks chat completions.
 *
 * V1  One HTTP request per call, but for refused fields (`quirks.ts`): retries are the loop's business.
 * V2  Time and size are limited; the caller's signal ends the request.
 * V3  The key goes into one header, and nothing is logged (P7). Keys and addresses come from the request alone, never
 *     from the environment.
 */
import type * as openai from "openai";
import { causes, innermostReason } from "#core/causes.ts";
import type { Model, ModelOutcome, ModelRequest, OnToken, Provider, Usage } from "#core/agent/ports.ts";
import { collect, type Collected } from "./collect.ts";
import { failed, providerFailure, retry } from "./failure.ts";
import { quirkMemory, quirkOf, type Quirk, type QuirkMemory } from "./quirks.ts";
import { bodyOf } from "./request.ts";
import { limitedFetch, TooLarge } from "./limited-fetch.ts";

export type OpenAiModel = Model & {
  /** Loads the client ahead of the first call, while a task is still being fetched. */
  readonly warm: () => Promise<void>;
};

type Client = typeof openai;
type Context = { readonly client: Client; readonly quirks: QuirkMemory; readonly limits: Limits };
export type Limits = { readonly maxAnswerBytes: number };

const DEFAULT_LIMITS: Limits = { maxAnswerBytes: 8 * 1024 * 1024 };
/** Around each token of a stream stand some 300 bytes of JSON. */
const WIRE_BYTES_PER_TOKEN = 1024;

export function createOpenAiModel(limits: Limits = DEFAULT_LIMITS): OpenAiModel {
  const quirks = quirkMemory();
  const load = () => import("openai");
  return {
    warm: async () => void (await load()),
    call: async (request, onToken, signal) => call({ client: await load(), quirks, limits }, request, onToken, signal),
  };
}

type Tried = { readonly outcome: ModelOutcome; readonly quirk?: Quirk };

async function call(
  context: Context,
  request: ModelRequest,
  onToken: OnToken,
  signal: AbortSignal,
): Promise<ModelOutcome> {
  const { baseUrl } = request.provider;
  const known = context.quirks.of(baseUrl, request.model);
  const learned: Quirk[] = [];
  let first: ModelOutcome | undefined;
  for (;;) {
    const tried = await once(context, request, new Set([...known, ...learned]), onToken, signal);
    if (tried.quirk !== undefined) {
      first ??= tried.outcome;
      learned.push(tried.quirk);
      continue;
    }
    // Still refused without the field: the first words were the ones that counted.
    if (tried.outcome.kind === "failed") return first ?? tried.outcome;
    if (tried.outcome.kind === "answer") for (const one of learned) context.quirks.learn(baseUrl, request.model, one);
    return tried.outcome;
  }
}

async function once(
  { client, limits }: Context,
  request: ModelRequest,
  quirks: ReadonlySet<Quirk>,
  onToken: OnToken,
  signal: AbortSignal,
): Promise<Tried> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const wireBytes = limits.maxAnswerBytes + request.maxTokens * WIRE_BYTES_PER_TOKEN;
  try {
    const stream = await clientFor(client, request.provider, wireBytes).chat.completions.create(
      bodyOf(request, quirks),
      {
        signal: AbortSignal.any([signal, timeout]),
        headers: { "idempotency-key": request.idempotencyKey },
        timeout: request.timeoutMs,
      },
    );
    return { outcome: outcomeOf(await collect(stream, limits.maxAnswerBytes, onToken), request) };
  } catch (error) {
    return sort(client, error, quirks, { aborted: signal.aborted, timedOut: timeout.aborted });
  }
}

/** Whatever the client would otherwise take from the environment is set here (V3). */
function clientFor({ OpenAI }: Client, { baseUrl, apiKey }: Provider, wireBytes: number): openai.OpenAI {
  return new OpenAI({
    baseURL: baseUrl,
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    logLevel: "off",
    fetch: limitedFetch(wireBytes),
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
  });
}

function outcomeOf(collected: Collected, request: ModelRequest): ModelOutcome {
  switch (collected.kind) {
    case "answer":
      return { kind: "answer", ...collected.answer, usage: collected.usage ?? estimate(collected.answer, request) };
    case "cut":
      return retry("provider.unavailable", "the stream ended before the answer did");
    case "empty":
      return retry("provider.bad_response", "the provider's answer holds no choice");
    case "too_large":
      return tooLarge();
  }
}

function tooLarge(): ModelOutcome {
  return failed("provider.too_large", "the provider's answer is larger than Ark accepts");
}

/** A server that counts nothing is not free: four bytes are taken for a token. */
function estimate({ text, toolCalls }: { text: string; toolCalls: readonly unknown[] }, request: ModelRequest): Usage {
  const tokens = (value: unknown) => Math.ceil(Buffer.byteLength(JSON.stringify(value)) / 4);
  return {
    inputTokens: tokens(request.messages) + (request.tools.length > 0 ? tokens(request.tools) : 0),
    outputTokens: tokens(text) + (toolCalls.length > 0 ? tokens(toolCalls) : 0),
  };
}

type Ended = { readonly aborted: boolean; readonly timedOut: boolean };

function sort(client: Client, error: unknown, quirks: ReadonlySet<Quirk>, ended: Ended): Tried {
  if (causes(error).some((one) => one instanceof TooLarge)) return { outcome: tooLarge() };
  if (ended.aborted) return { outcome: retry("provider.unavailable", "the call was ended from here") };
  if (ended.timedOut || error instanceof client.APIConnectionTimeoutError) {
    return { outcome: retry("provider.timeout", "the provider did not answer in time") };
  }
  if (error instanceof client.APIConnectionError) return unreachable(error);
  if (error instanceof client.APIError) return sortApiError(error, quirks);
  if (error instanceof SyntaxError) {
    return { outcome: retry("provider.bad_response", "the provider's answer is not the protocol") };
  }
  return unreachable(error);
}

function sortApiError(error: openai.APIError, quirks: ReadonlySet<Quirk>): Tried {
  const outcome = providerFailure(error, Date.now());
  const quirk = quirkOf(error, quirks);
  return quirk === undefined ? { outcome } : { outcome, quirk };
}

function unreachable(error: unknown): Tried {
  return { outcome: retry("provider.unavailable", `the provider could not be reached: ${innermostReason(error)}`) };
}
