/** Our request → the body of a chat completion. What a server has refused before is left out (see `quirks.ts`). */
import type {
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import type { Message, ModelRequest, ResponseFormat } from "#core/agent/ports.ts";
import { parseJson } from "#core/json.ts";
import type { Quirks } from "./quirks.ts";

type Body = ChatCompletionCreateParamsStreaming;

export function bodyOf(request: ModelRequest, quirks: Quirks): Body {
  const format = quirks.has("response_format") ? undefined : formatOf(request.responseFormat);
  return {
    model: request.model,
    messages: request.messages.map(messageOf),
    stream: true,
    ...(!quirks.has("stream_options") && { stream_options: { include_usage: true } }),
    ...tokenLimit(request, quirks),
    ...(request.temperature !== undefined && !quirks.has("temperature") && { temperature: request.temperature }),
    ...(request.tools.length > 0 && { tools: toolsOf(request) }),
    ...(format !== undefined && { response_format: format }),
  };
}

/** OpenAI's reasoning models take only the newer name, other servers only the older one. */
function tokenLimit({ model, maxTokens }: ModelRequest, quirks: Quirks): Partial<Body> {
  const newer = /^(gpt-|o\d)/.test(model) !== quirks.has("max_tokens");
  return newer ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens };
}

function messageOf(message: Message): ChatCompletionMessageParam {
  switch (message.role) {
    case "system":
    case "user":
      return { role: message.role, content: message.text };
    case "tool":
      return { role: "tool", tool_call_id: message.callId, content: message.text };
    case "assistant": {
      const { text, toolCalls } = message;
      if (toolCalls.length === 0) return { role: "assistant", content: text };
      return {
        role: "assistant",
        content: text === "" ? null : text,
        tool_calls: toolCalls.map((call) => ({
          id: call.id,
          type: "function",
          function: { name: call.name, arguments: call.arguments === "" ? "{}" : call.arguments },
        })),
      };
    }
  }
}

function toolsOf({ tools }: ModelRequest): NonNullable<Body["tools"]> {
  return tools.map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, description, parameters: { ...inputSchema } },
  }));
}

/** `strict` would refuse most schemas people write; the answer is checked in full anyway. */
function formatOf(format: ResponseFormat): NonNullable<Body["response_format"]> | undefined {
  if (format.kind === "text") return undefined;
  if (format.kind === "json") return { type: "json_object" };
  const schema = typeof format.schema === "string" ? parseJson(format.schema) : format.schema;
  if (typeof schema !== "object" || schema === null) return undefined;
  return { type: "json_schema", json_schema: { name: "answer", schema: { ...schema }, strict: false } };
}
