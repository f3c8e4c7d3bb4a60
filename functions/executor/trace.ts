/**
 * The spans of one attempt: the step, the agent at work on it, each model and tool call (GenAI semantic conventions).
 *
 * G1  A call makes a span when it is made: turns that are replayed make none (P3).
 * G2  Prompts, answers, arguments and results stand in a span by the user's consent alone (`Spans.content`), cleaned of
 *     secrets like everything that is recorded (P7).
 */
import { providerName } from "#core/agent/provider.ts";
import { redactor } from "#core/agent/redact.ts";
import type { Message, Model, ModelOutcome, ModelRequest, StopReason, Toolbox } from "#core/agent/ports.ts";
import type { AgentOutcome, ResolvedAgent } from "#core/agent/task.ts";
import { attemptId } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Span, SpanAttributes, Spans } from "#core/ports/spans.ts";

export type TraceDeps = { readonly spans: Spans };

/** What an attempt's spans share. */
type Scope = {
  readonly spans: Spans;
  readonly parent: string;
  readonly attributes: SpanAttributes;
  readonly redact: (text: string) => string;
};

export function beginStep(task: Task, { spans }: TraceDeps): Span {
  const attributes = { ...attributesOf(task), "ark.agent": task.agent };
  return spans.begin(`ark.step ${task.step}`, { kind: "consumer", parent: task.traceparent, attributes });
}

export function endStep(span: Span, ended: AgentOutcome): void {
  span.set({ "ark.outcome": ended.kind });
  span.end(codeOf(ended));
}

/** The agent at work; `run` gets its model and tools with a span around every call. */
export async function tracedAgent(
  task: Task,
  agent: ResolvedAgent,
  secrets: readonly string[],
  deps: TraceDeps,
  ports: { readonly model: Model; readonly tools: Toolbox },
  run: (ports: { readonly model: Model; readonly tools: Toolbox }) => Promise<AgentOutcome>,
): Promise<AgentOutcome> {
  const { spans } = deps;
  const attributes = attributesOf(task);
  const span = spans.begin(`invoke_agent ${agent.name}`, {
    kind: "internal",
    parent: task.traceparent,
    attributes: {
      ...attributes,
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": agent.name,
      "gen_ai.provider.name": providerName(agent.model),
      "gen_ai.request.model": agent.model,
    },
  });
  const scope: Scope = { spans, parent: span.traceparent, attributes, redact: redactor(secrets) };
  try {
    const outcome = await run({ model: tracedModel(ports.model, scope), tools: tracedTools(ports.tools, scope) });
    if ("usage" in outcome) span.set(usageOf(outcome.usage));
    span.end(codeOf(outcome));
    return outcome;
  } catch (error) {
    span.end(UNKNOWN);
    throw error;
  }
}

const UNKNOWN = "_OTHER";

function tracedModel(model: Model, scope: Scope): Model {
  return {
    async call(request, onToken, signal) {
      const span = scope.spans.begin(`chat ${request.model}`, {
        kind: "client",
        parent: scope.parent,
        attributes: { ...scope.attributes, ...requestOf(request), ...(scope.spans.content && asked(request, scope)) },
      });
      const outcome = await model.call(request, onToken, signal);
      if (outcome.kind === "answer") span.set({ ...answerOf(outcome), ...(scope.spans.content && said(outcome)) });
      span.end(outcome.kind === "answer" ? undefined : outcome.code);
      return outcome;
    },
  };
}

function tracedTools(tools: Toolbox, scope: Scope): Toolbox {
  return {
    list: (signal) => tools.list(signal),
    async call(name, args, options, signal) {
      const span = scope.spans.begin(`execute_tool ${name}`, {
        kind: "internal",
        parent: scope.parent,
        attributes: {
          ...scope.attributes,
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": name,
          "gen_ai.tool.type": "function",
          ...(scope.spans.content && { "gen_ai.tool.call.arguments": scope.redact(JSON.stringify(args)) }),
        },
      });
      const outcome = await tools.call(name, args, options, signal);
      if (scope.spans.content) span.set({ "gen_ai.tool.call.result": outcome.text });
      span.end(outcome.kind === "error" ? outcome.code : undefined);
      return outcome;
    },
  };
}

function attributesOf(task: Task): SpanAttributes {
  return {
    "ark.run": task.run,
    "ark.namespace": task.namespace,
    "ark.step": task.step,
    "ark.task_id": attemptId(task.uid, task),
    "ark.attempt": task.attempt,
  };
}

function codeOf(outcome: AgentOutcome): string | undefined {
  return "code" in outcome ? outcome.code : undefined;
}

function requestOf({ model, maxTokens, temperature }: ModelRequest): SpanAttributes {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": providerName(model),
    "gen_ai.request.model": model,
    "gen_ai.request.max_tokens": maxTokens,
    ...(temperature !== undefined && { "gen_ai.request.temperature": temperature }),
  };
}

type Answer = Extract<ModelOutcome, { kind: "answer" }>;

const FINISH: Readonly<Record<StopReason, string>> = {
  stop: "stop",
  tools: "tool_calls",
  length: "length",
  refusal: "content_filter",
};

function answerOf({ usage, stop, model }: Answer): SpanAttributes {
  return {
    ...usageOf(usage),
    "gen_ai.response.finish_reasons": [FINISH[stop]],
    ...(model !== undefined && { "gen_ai.response.model": model }),
  };
}

function usageOf({ inputTokens, outputTokens }: Answer["usage"]): SpanAttributes {
  return { "gen_ai.usage.input_tokens": inputTokens, "gen_ai.usage.output_tokens": outputTokens };
}

/** G2. */
function asked({ messages }: ModelRequest, { redact }: Scope): SpanAttributes {
  return { "gen_ai.input.messages": redact(JSON.stringify(messages.map(messageOf))) };
}

function said({ text, toolCalls, stop }: Answer): SpanAttributes {
  const message = { ...messageOf({ role: "assistant", text, toolCalls }), finish_reason: FINISH[stop] };
  return { "gen_ai.output.messages": JSON.stringify([message]) };
}

function messageOf(message: Message): { readonly role: string; readonly parts: readonly object[] } {
  const { role, text } = message;
  if (role === "tool") {
    return { role, parts: [{ type: "tool_call_response", id: message.callId, response: text }] };
  }
  const calls = role === "assistant" ? message.toolCalls : [];
  const parts = calls.map(({ id, name, arguments: args }) => ({ type: "tool_call", id, name, arguments: args }));
  return { role, parts: [...(text === "" ? [] : [{ type: "text", content: text }]), ...parts] };
}
