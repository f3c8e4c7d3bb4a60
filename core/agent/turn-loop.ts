/**
 * The agent loop: ask the model, run the tools it calls, until it has an answer; then check the answer.
 *
 * W1  The same task, agent and recorded turns give the same requests, keys and outcome: the loop decides by nothing
 *     else. So an executor that takes over goes on where the last one stopped, and asks nothing twice (P3).
 * W2  It ends: at an answer, at `maxTurns`, at the deadline, at a budget (D21, P4, P6).
 * W3  A cut answer or a refusal is a failure that shows what was said, never a success (D21).
 * W4  What is recorded of a turn is what it added: bytes grow linearly with the conversation.
 */
import { ask, type Asked } from "./ask.ts";
import { startAttempt, type Attempt, type Ending } from "./attempt.ts";
import { startConversation, type Conversation } from "./conversation.ts";
import { finish } from "./finish.ts";
import { compileChecks, type Checks } from "./output-check.ts";
import type { AgentDeps, Message, ResponseFormat, ToolResult, ToolSpec } from "./ports.ts";
import { firstMessages } from "./prompt.ts";
import { runTools } from "./run-tools.ts";
import type { AgentOutcome, AgentTask } from "./task.ts";

/** Rejects only when a port does: a store that cannot be reached, a bug. */
export async function runAgentTask(task: AgentTask, deps: AgentDeps, signal: AbortSignal): Promise<AgentOutcome> {
  using attempt = startAttempt(task, deps, signal);
  const checks = await compileChecks(task);
  const ending: Ending =
    checks.kind === "bad"
      ? { kind: "failed", code: "output.bad_check", message: checks.reason, mayPass: false }
      : await converse(attempt, checks);
  if (ending.kind === "lost" || ending.kind === "stopped") return ending;
  return { ...ending, ...attempt.total() };
}

async function converse(attempt: Attempt, checks: Checks): Promise<Ending> {
  const conversation = startConversation(firstMessages(attempt.task));
  const tools = once(() => attempt.deps.tools.list(attempt.running));
  const { maxTurns } = attempt.task.agent.limits;
  for (let round = 1; ; round++) {
    const { digest } = conversation;
    const asked = await ask(attempt, questionOf(attempt.task, conversation, tools));
    if (asked.kind === "end") return asked.ending;
    const unusable = unusableAnswer(asked);
    if (unusable !== undefined) return unusable;
    const { text, toolCalls } = asked.answer;
    if (toolCalls.length === 0) return finish(attempt, checks, text);
    if (round >= maxTurns) return tooManyTurns(maxTurns, text);
    const ran = await runTools(attempt, toolCalls, { index: asked.index, digest });
    if (ran.kind === "end") return ran.ending;
    conversation.append({ role: "assistant", text, toolCalls }, ...ran.results.map(toMessage));
  }
}

function questionOf(task: AgentTask, conversation: Conversation, tools: () => Promise<readonly ToolSpec[]>) {
  const { model, provider, temperature } = task.agent;
  return {
    purpose: "answer" as const,
    model,
    provider,
    messages: conversation.messages,
    bytes: conversation.bytes,
    digest: conversation.digest,
    tools,
    ...(temperature !== undefined && { temperature }),
    responseFormat: formatOf(task),
  };
}

function formatOf({ outputSchema, validate, agent }: AgentTask): ResponseFormat {
  const schema = outputSchema ?? validate?.schema;
  if (schema !== undefined) return { kind: "schema", schema };
  return agent.outputFormat === "structured-json" ? { kind: "json" } : { kind: "text" };
}

function unusableAnswer({ answer, limitedBy }: Extract<Asked, { kind: "answer" }>): Ending | undefined {
  if (answer.stop === "refusal") {
    const message = `the model declined to answer: ${answer.text}`;
    return { kind: "failed", code: "model.refusal", message, answer: answer.text, mayPass: false };
  }
  if (answer.stop !== "length") return undefined;
  if (limitedBy !== undefined) {
    const message = "the answer was cut at what the budget had left";
    return { kind: "refused", code: "budget.exceeded", message, which: limitedBy };
  }
  const message = `the answer was cut at ${answer.usage.outputTokens} tokens; raise limits.maxTokensPerCall`;
  return { kind: "failed", code: "model.max_tokens", message, answer: answer.text, mayPass: false };
}

function tooManyTurns(maxTurns: number, answer: string): Ending {
  const message = `no answer after ${maxTurns} model calls (limits.maxTurns)`;
  return { kind: "failed", code: "model.max_turns", message, answer, mayPass: false };
}

function toMessage({ callId, text, isError }: ToolResult): Message {
  return { role: "tool", callId, text: isError ? `Error: ${text}` : text };
}

/** Tools are asked for at the first live call: a task that is replayed to its end dials nothing. */
function once<T>(get: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => (value ??= get());
}
