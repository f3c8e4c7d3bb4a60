import { describe, expect, test } from "vitest";
import { chooseProvider, readProviders } from "./provider.ts";

const KEYS = { ANTHROPIC_API_KEY: "a", OPENAI_API_KEY: "o", GEMINI_API_KEY: "g" };

test.each([
  ["claude-opus-4", "https://api.anthropic.com/v1", "a"],
  ["gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta/openai", "g"],
  ["gpt-4o", "https://api.openai.com/v1", "o"],
  ["o3-mini", "https://api.openai.com/v1", "o"],
])("%s goes to its provider", (model, baseUrl, apiKey) => {
  expect(chooseProvider(model, readProviders(KEYS))).toEqual({ kind: "provider", provider: { baseUrl, apiKey } });
});

describe("D31: other names are not guessed", () => {
  test("without a base URL they are unknown, with one they go there", () => {
    expect(chooseProvider("llama3", readProviders(KEYS))).toMatchObject({ kind: "unknown", code: "UnknownModel" });
    expect(chooseProvider("llama3", readProviders({ OPENAI_BASE_URL: "http://ollama:11434/v1" }))).toEqual({
      kind: "provider",
      provider: { baseUrl: "http://ollama:11434/v1" },
    });
  });
  test.each(["openai/gpt-4o", "my-claude-3", "ogre", "o"])("%s is of no known prefix", (model) => {
    expect(chooseProvider(model, readProviders({ ...KEYS, OPENAI_BASE_URL: "" }))).toMatchObject({ kind: "unknown" });
  });
});

test("addresses are overridable; an address of one's own needs no key, a public one does", () => {
  const env = { ANTHROPIC_BASE_URL: "http://proxy/v1", GEMINI_API_KEY: "  " };
  expect(chooseProvider("claude-x", readProviders(env))).toEqual({
    kind: "provider",
    provider: { baseUrl: "http://proxy/v1" },
  });
  expect(chooseProvider("gemini-x", readProviders(env))).toMatchObject({
    kind: "unknown",
    code: "MissingCredentials",
    reason: expect.stringContaining("GEMINI_API_KEY"),
  });
});

test("mock needs the scripted server", () => {
  expect(chooseProvider("mock", readProviders({}))).toMatchObject({ kind: "unknown" });
  expect(chooseProvider("mock-judge", readProviders({ ARK_MOCK_BASE_URL: "http://127.0.0.1:1/v1" }))).toMatchObject({
    provider: { baseUrl: "http://127.0.0.1:1/v1" },
  });
});
