/** From an answer to an outcome: checks, the semantic question, the context policy. */
import { ask, type Asked, type Question } from "./ask.ts";
import type { Attempt, Ending } from "./attempt.ts";
import { extract } from "./context-policy.ts";
import { startConversation } from "./conversation.ts";
import { checkAnswer, readVerdict, type Checks, type Verdict } from "./output-check.ts";
import type { Message, TurnPurpose } from "./ports.ts";
import { compressMessages, judgeMessages } from "./prompt.ts";
import type { ContextPolicy } from "./task.ts";

export async function finish(attempt: Attempt, checks: Checks, answer: string): Promise<Ending> {
  const verdict = checkAnswer(checks, answer);
  if (verdict.kind === "invalid") return { ...verdict, answer };
  const judged = await judge(attempt, answer);
  if (judged !== undefined) return judged;
  const context = await contextOf(attempt, answer);
  if (context.kind === "end") return context.ending;
  const { json } = verdict;
  return { kind: "done", output: answer, ...(json !== undefined && { json }), ...context.fields };
}

/** The ending when the answer does not pass, or cannot be judged. */
async function judge(attempt: Attempt, answer: string): Promise<Ending | undefined> {
  const semantic = attempt.task.validate?.semantic;
  if (semantic === undefined) return undefined;
  const asked = await askAside(attempt, "validate", semantic.model, judgeMessages(semantic.criteria, answer));
  if (asked.kind === "end") return asked.ending;
  const verdict: Verdict | { kind: "unclear" } = readVerdict(asked.answer.text);
  if (verdict.kind === "valid") return undefined;
  if (verdict.kind === "invalid") return { ...verdict, answer };
  const message = "the validator answered neither VALID nor INVALID: and a reason";
  return { kind: "failed", code: "provider.bad_response", message, answer, mayPass: true };
}

type Context =
  | { readonly kind: "fields"; readonly fields: { readonly context?: string; readonly contextMissed?: string } }
  | { readonly kind: "end"; readonly ending: Ending };

async function contextOf(attempt: Attempt, answer: string): Promise<Context> {
  const policy = attempt.task.contextPolicy ?? { strategy: "full" };
  switch (policy.strategy) {
    case "full":
      return { kind: "fields", fields: {} };
    case "none":
      return { kind: "fields", fields: { context: "" } };
    case "extract": {
      const extracted = await extract(policy.path, answer);
      return extracted.kind === "context"
        ? { kind: "fields", fields: { context: extracted.context } }
        : { kind: "fields", fields: { contextMissed: extracted.reason } };
    }
    case "compress":
      return compress(attempt, policy, answer);
  }
}

/** The answer itself is good and paid for: when the model cannot shorten it, the original goes on. */
async function compress(
  attempt: Attempt,
  policy: Extract<ContextPolicy, { strategy: "compress" }>,
  answer: string,
): Promise<Context> {
  const asked = await askAside(attempt, "compress", policy.model, compressMessages(policy, answer));
  if (asked.kind === "answer") {
    const { stop, text } = asked.answer;
    if (stop === "stop") return { kind: "fields", fields: { context: text } };
    return { kind: "fields", fields: { contextMissed: `the shortened text ended with ${stop}` } };
  }
  const { ending } = asked;
  const isProviders = ending.kind === "failed" && ending.code.startsWith("provider.");
  if (!isProviders || ending.code === "provider.unknown_model") return asked;
  return { kind: "fields", fields: { contextMissed: ending.message } };
}

/** A counted question beside the conversation: no tools, no format, no temperature. */
async function askAside(
  attempt: Attempt,
  purpose: TurnPurpose,
  model: string | undefined,
  messages: readonly Message[],
): Promise<Asked> {
  const { agent } = attempt.task;
  const choice =
    model === undefined || model === agent.model
      ? ({ kind: "provider", provider: agent.provider } as const)
      : attempt.deps.providerFor(model);
  if (choice.kind === "unknown") {
    const ending = { kind: "failed", code: "provider.unknown_model", message: choice.reason, mayPass: false } as const;
    return { kind: "end", ending };
  }
  const { digest, bytes } = startConversation(messages);
  const question: Question = {
    purpose,
    model: model ?? agent.model,
    provider: choice.provider,
    messages,
    bytes,
    digest,
    tools: async () => [],
    responseFormat: { kind: "text" },
  };
  return ask(attempt, question);
}
