/**
 * A stream of chunks → one answer.
 *
 * O1  An answer is whole only when a chunk said why it ended: a stream that stops before is cut, whatever had come.
 * O2  Text and arguments together stay under the limit; above it nothing is kept.
 */
import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { ModelAnswer, OnToken, StopReason, ToolCall, Usage } from "#core/agent/ports.ts";

export type Collected =
  | { readonly kind: "answer"; readonly answer: Omit<ModelAnswer, "usage">; readonly usage?: Usage }
  | { readonly kind: "cut" }
  | { readonly kind: "empty" }
  | { readonly kind: "too_large" };

type State = {
  readonly text: string[];
  readonly refusal: string[];
  readonly calls: Map<number, ToolCall>;
  bytes: number;
  choices: number;
  finish: string | undefined;
  usage: Usage | undefined;
  model: string | undefined;
};
type Delta = ChatCompletionChunk.Choice.Delta;

/** Servers say what they like there. */
const MAX_MODEL_CHARS = 128;

export async function collect(
  chunks: AsyncIterable<ChatCompletionChunk>,
  maxBytes: number,
  onToken: OnToken,
): Promise<Collected> {
  const state: State = {
    text: [],
    refusal: [],
    calls: new Map(),
    bytes: 0,
    choices: 0,
    finish: undefined,
    usage: undefined,
    model: undefined,
  };
  for await (const chunk of chunks) {
    take(state, chunk, onToken);
    if (state.bytes > maxBytes) return { kind: "too_large" };
  }
  if (state.choices === 0) return { kind: "empty" };
  return state.finish === undefined ? { kind: "cut" } : answerOf(state, state.finish);
}

function take(state: State, chunk: ChatCompletionChunk, onToken: OnToken): void {
  const { usage } = chunk;
  state.model ??= (chunk.model as string | undefined)?.slice(0, MAX_MODEL_CHARS);
  if (usage) state.usage = { inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens };
  // Some servers send chunks without `choices`, which the types do not know.
  for (const choice of (chunk.choices as typeof chunk.choices | undefined) ?? []) {
    if (choice.index > 0) continue;
    state.choices++;
    takeText(state, choice.delta, onToken);
    for (const [position, call] of (choice.delta.tool_calls ?? []).entries()) takeCall(state, position, call);
    state.finish = choice.finish_reason ?? state.finish;
  }
}

function takeText(state: State, { content, refusal }: Delta, onToken: OnToken): void {
  if (content) {
    state.text.push(content);
    state.bytes += Buffer.byteLength(content);
    onToken(content);
  }
  if (refusal) {
    state.refusal.push(refusal);
    state.bytes += Buffer.byteLength(refusal);
  }
}

function takeCall(state: State, position: number, part: NonNullable<Delta["tool_calls"]>[number]): void {
  const { name = "", arguments: args = "" } = part.function ?? {};
  const index = (part.index as number | undefined) ?? position;
  const call = state.calls.get(index) ?? { id: "", name: "", arguments: "" };
  state.calls.set(index, { id: call.id || (part.id ?? ""), name: call.name + name, arguments: call.arguments + args });
  state.bytes += Buffer.byteLength(args);
}

function answerOf(state: State, finish: string): Collected {
  const toolCalls: ToolCall[] = [...state.calls.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([index, call]) => ({ ...call, id: call.id === "" ? `call_${index}` : call.id }));
  const refusal = state.refusal.join("");
  const text = refusal === "" ? state.text.join("") : refusal;
  const stop = refusal === "" ? stopOf(finish, toolCalls.length > 0) : "refusal";
  const model = state.model ? { model: state.model } : {};
  const answer = { text, toolCalls: stop === "tools" ? toolCalls : [], stop, ...model };
  return { kind: "answer", answer, ...(state.usage !== undefined && { usage: state.usage }) };
}

/** Calls count whatever the server calls the end; those of a cut answer may be cut themselves. */
function stopOf(finish: string, hasCalls: boolean): StopReason {
  if (finish === "length") return "length";
  if (finish === "content_filter") return "refusal";
  return hasCalls ? "tools" : "stop";
}
