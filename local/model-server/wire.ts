/** The OpenAI chat completions wire: request body in, completion object or stream chunks out. */
import * as z from "zod";
import type { Answer, ChatRequest } from "./script.ts";

const BodySchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  response_format: z.unknown().optional(),
});

export type ReadRequest =
  | { kind: "request"; request: ChatRequest; body: Readonly<Record<string, unknown>> }
  | { kind: "bad"; reason: string };

export function readRequest(text: string): ReadRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: "bad", reason: "the body is not JSON" };
  }
  const parsed = BodySchema.safeParse(json);
  if (!parsed.success) return { kind: "bad", reason: z.prettifyError(parsed.error) };
  const { model, messages, stream, stream_options, response_format } = parsed.data;
  return {
    kind: "request",
    body: parsed.data,
    request: {
      model,
      messages,
      stream: stream === true,
      includeUsage: stream_options?.include_usage === true,
      responseFormat: response_format,
    },
  };
}

export type Usage = { inputTokens: number; outputTokens: number };
export type Completion = {
  text: string;
  refusal: string | null;
  toolCalls: { id: string; name: string; arguments: string }[];
  finish: string;
  usage: Usage;
};

/** Four characters are one token: near enough for people, exact enough for sums. */
function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

/** `id` names the completion and the calls in it. */
export function completionOf(answer: Answer, request: ChatRequest, id: string): Completion {
  const toolCalls = (answer.toolCalls ?? []).map((call, index) => ({
    id: call.id ?? `call_${id}_${index}`,
    name: call.name,
    arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments ?? {}),
  }));
  const text = textFor(answer);
  const said = text + (answer.refusal ?? "") + toolCalls.map((call) => call.name + call.arguments).join("");
  return {
    text,
    refusal: answer.refusal ?? null,
    toolCalls,
    finish: answer.finish ?? (toolCalls.length > 0 ? "tool_calls" : "stop"),
    usage: answer.usage ?? {
      inputTokens: tokensOf(JSON.stringify(request.messages)),
      outputTokens: tokensOf(said),
    },
  };
}

function textFor(answer: Answer): string {
  if (answer.json !== undefined) return JSON.stringify(answer.json);
  if (answer.bytes !== undefined) return "x".repeat(answer.bytes);
  return answer.text ?? answer.half ?? answer.cut ?? "";
}

function usageBody(usage: Usage) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** `created` is fixed: equal requests get equal bytes. */
const CREATED = 1_700_000_000;

export function completionBody(completion: Completion, model: string, id: string): string {
  const calls = completion.toolCalls.map(({ id: callId, name, arguments: args }) => ({
    id: callId,
    type: "function",
    function: { name, arguments: args },
  }));
  return JSON.stringify({
    id,
    object: "chat.completion",
    created: CREATED,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: calls.length > 0 && completion.text === "" ? null : completion.text,
          refusal: completion.refusal,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        logprobs: null,
        finish_reason: completion.finish,
      },
    ],
    usage: usageBody(completion.usage),
  });
}

const PIECE_CHARS = 24;

function* pieces(text: string): Generator<string> {
  const size = Math.max(PIECE_CHARS, Math.ceil(text.length / 2_000));
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + size);
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end++;
    yield text.slice(start, end);
    start = end;
  }
}

/** The deltas of a streamed answer; tool arguments come in pieces, as real providers send them. */
function* deltas(completion: Completion): Generator<Record<string, unknown>> {
  yield { role: "assistant", content: "" };
  for (const content of pieces(completion.text)) yield { content };
  if (completion.refusal !== null) yield { refusal: completion.refusal };
  for (const [index, call] of completion.toolCalls.entries()) {
    yield { tool_calls: [{ index, id: call.id, type: "function", function: { name: call.name, arguments: "" } }] };
    for (const part of pieces(call.arguments)) yield { tool_calls: [{ index, function: { arguments: part } }] };
  }
}

export type StreamEnd = "whole" | "open";

/** SSE events of a streamed answer; `open` leaves out finish, usage and `[DONE]`. */
export function* streamEvents(
  completion: Completion,
  request: ChatRequest,
  id: string,
  end: StreamEnd,
): Generator<string> {
  const base = { id, object: "chat.completion.chunk", created: CREATED, model: request.model };
  const event = (fields: Record<string, unknown>) => `data: ${JSON.stringify({ ...base, ...fields })}\n\n`;
  for (const delta of deltas(completion)) yield event({ choices: [{ index: 0, delta, finish_reason: null }] });
  if (end === "open") return;
  yield event({ choices: [{ index: 0, delta: {}, finish_reason: completion.finish }] });
  if (request.includeUsage) yield event({ choices: [], usage: usageBody(completion.usage) });
  yield "data: [DONE]\n\n";
}
