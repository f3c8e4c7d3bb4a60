import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { inputTokens, startConversation } from "./conversation.ts";
import type { Message } from "./ports.ts";

const hello: Message = { role: "user", text: "hellö" };
const answer: Message = { role: "assistant", text: "hi", toolCalls: [] };

test("C1: the digest depends on all messages and their order, not on how they came", () => {
  const grown = startConversation([hello]);
  const before = grown.digest;
  grown.append(answer);
  expect(grown.digest).toBe(startConversation([hello, answer]).digest);
  expect(grown.digest).not.toBe(before);
  expect(grown.digest).not.toBe(startConversation([answer, hello]).digest);
});

test("C2: sizes are counted in UTF-8, tools included, and rounded up", () => {
  const { bytes } = startConversation([hello]);
  expect(bytes).toBe(new TextEncoder().encode(JSON.stringify(hello)).length);
  const tool = { name: "t", description: "", inputSchema: {} };
  expect(inputTokens(10, [])).toBe(4);
  expect(inputTokens(10, [tool])).toBeGreaterThan(4);
});

test("backoff grows, stays under its cap, and is spread over the whole pause", () => {
  expect([0, 1, 2, 3].map((tries) => backoffMs(tries, 0.999_999))).toEqual([500, 1_000, 2_000, 4_000]);
  expect(backoffMs(1_000, 0.999_999)).toBe(30_000);
  expect(backoffMs(3, 0)).toBe(0);
  expect(backoffMs(3, 0.5)).toBe(2_000);
});
