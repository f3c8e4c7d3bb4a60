/**
 * Semantic readiness: the agent is asked its validator prompt (D26).
 *
 * S1  No tools; counted in the budget like any call; the answer is compared and never shown.
 * S2  The trimmed answer must equal `HEALTHY` (D25).
 * S3  When it is asked is the caller's to know: once per interval for the whole pool.
 */
import { inputTokens, startConversation } from "./conversation.ts";
import type { Budget, Model, ModelOutcome } from "./ports.ts";
import type { ResolvedAgent } from "./task.ts";

export type Readiness =
  | { readonly kind: "healthy" }
  /** The model answered, but not `HEALTHY`. */
  | { readonly kind: "unhealthy" }
  /** No answer: nothing is known. */
  | { readonly kind: "unknown"; readonly reason: string };

export type ReadinessDeps = { readonly model: Model; readonly budget: Budget };

const TIMEOUT_MS = 30_000;
/** Models that think before they answer spend tokens on it. */
const MAX_TOKENS = 1_000;

/** `probeId` names the question: the same for every try of it, another one for the next. Never rejects on its own. */
export async function askReadiness(
  agent: ResolvedAgent,
  validatorPrompt: string,
  probeId: string,
  deps: ReadinessDeps,
  signal: AbortSignal,
): Promise<Readiness> {
  const { messages, bytes } = startConversation([
    ...(agent.systemPrompt === "" ? [] : [{ role: "system" as const, text: agent.systemPrompt }]),
    { role: "user", text: validatorPrompt },
  ]);
  const maxTokens = Math.min(agent.limits.maxTokensPerCall, MAX_TOKENS);
  const reserved = await deps.budget.reserve({ callId: probeId, tokens: inputTokens(bytes, []) + maxTokens });
  if (reserved.kind === "refused") return { kind: "unknown", reason: reserved.reason };
  const outcome = await deps.model.call(
    {
      idempotencyKey: probeId,
      model: agent.model,
      provider: agent.provider,
      messages,
      tools: [],
      maxTokens,
      responseFormat: { kind: "text" },
      timeoutMs: Math.min(TIMEOUT_MS, agent.limits.timeoutMs),
    },
    () => {},
    signal,
  );
  if (outcome.kind === "answer") await reserved.settle(outcome.usage);
  else await reserved.release();
  return judge(outcome);
}

function judge(outcome: ModelOutcome): Readiness {
  if (outcome.kind !== "answer") return { kind: "unknown", reason: outcome.reason };
  return outcome.text.trim() === "HEALTHY" ? { kind: "healthy" } : { kind: "unhealthy" };
}
