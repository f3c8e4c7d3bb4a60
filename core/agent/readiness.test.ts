import { expect, test } from "vitest";
import type { Budget, ModelOutcome, ModelRequest, Usage } from "./ports.ts";
import { askReadiness } from "./readiness.ts";
import type { ResolvedAgent } from "./task.ts";

const AGENT: ResolvedAgent = {
  namespace: "default",
  name: "a",
  model: "mock",
  provider: { baseUrl: "http://model.invalid" },
  systemPrompt: "You are a.",
  temperature: 1,
  outputFormat: "structured-json",
  fragments: { before: ["X"], after: [] },
  mcpServers: [],
  secrets: [],
  tools: [{ name: "t", description: "", url: "http://t", method: "POST", inputSchema: {}, headers: {}, timeoutMs: 1 }],
  limits: { maxTokensPerCall: 8_000, maxConcurrentTasks: 1, timeoutMs: 60_000, retries: 3, maxTurns: 50 },
};
const usage: Usage = { inputTokens: 7, outputTokens: 1 };

async function probe(outcome: ModelOutcome, mayReserve = true) {
  const asked: ModelRequest[] = [];
  const money: string[] = [];
  const budget: Budget = {
    reserve: async ({ callId }) =>
      mayReserve
        ? {
            kind: "reserved",
            settle: async (used) => void money.push(`settled ${callId} ${used.inputTokens + used.outputTokens}`),
            release: async () => void money.push(`released ${callId}`),
          }
        : { kind: "refused", reason: "the day's tokens are spent", which: "agent" },
    settled: async () => {},
  };
  const model = { call: async (request: ModelRequest) => (asked.push(request), outcome) };
  const readiness = await askReadiness(
    AGENT,
    "Say HEALTHY",
    "probe-1",
    { model, budget },
    new AbortController().signal,
  );
  return { readiness, asked, money };
}

const answer = (text: string): ModelOutcome => ({ kind: "answer", text, toolCalls: [], stop: "stop", usage });

test.each([
  ["HEALTHY", "healthy"],
  [" HEALTHY\n", "healthy"],
  ["UNHEALTHY", "unhealthy"],
  ["HEALTHY.", "unhealthy"],
  ["healthy", "unhealthy"],
])("D25: %j is %s, and the words are not shown", async (text, kind) => {
  expect((await probe(answer(text))).readiness).toEqual({ kind });
});

test("D26: asked without tools and format, and counted", async () => {
  const { asked, money } = await probe(answer("HEALTHY"));
  expect(asked).toMatchObject([
    {
      idempotencyKey: "probe-1",
      tools: [],
      responseFormat: { kind: "text" },
      messages: [
        { role: "system", text: "You are a." },
        { role: "user", text: "Say HEALTHY" },
      ],
    },
  ]);
  expect(money).toEqual(["settled probe-1 8"]);
});

test("an error or a spent budget says nothing about health", async () => {
  const failed = await probe({ kind: "retry", code: "provider.timeout", reason: "slow" });
  expect(failed.readiness).toEqual({ kind: "unknown", reason: "slow" });
  expect(failed.money).toEqual(["released probe-1"]);
  const refused = await probe(answer("HEALTHY"), false);
  expect(refused.readiness).toEqual({ kind: "unknown", reason: "the day's tokens are spent" });
  expect(refused.asked).toEqual([]);
});
