import { describe, expect, test } from "vitest";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { ModelOutcome, ModelRequest } from "#core/agent/ports.ts";
import { createOpenAiModel } from "#platform/openai/model.ts";
import { startModel, type TestModel } from "../harness/model.ts";

const never = new AbortController().signal;

function requestTo(model: Pick<TestModel, "url">, over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    idempotencyKey: "task-1/0",
    model: "mock",
    provider: { baseUrl: model.url, apiKey: "sk-secret" },
    messages: [
      { role: "system", text: "Be brief." },
      { role: "user", text: "hello" },
    ],
    tools: [],
    maxTokens: 500,
    responseFormat: { kind: "text" },
    timeoutMs: 20_000,
    ...over,
  };
}

async function call(model: Pick<TestModel, "url">, over: Partial<ModelRequest> = {}): Promise<ModelOutcome> {
  return createOpenAiModel().call(requestTo(model, over), () => {}, never);
}

test("an answer comes in tokens and whole, with usage, key header and idempotency key", async () => {
  await using model = await startModel([
    { text: "größer 😀 and longer than one piece", usage: { inputTokens: 9, outputTokens: 7 } },
  ]);
  const tokens: string[] = [];
  const outcome = await createOpenAiModel().call(requestTo(model), (text) => tokens.push(text), never);
  expect(outcome).toEqual({
    kind: "answer",
    text: "größer 😀 and longer than one piece",
    toolCalls: [],
    stop: "stop",
    usage: { inputTokens: 9, outputTokens: 7 },
    model: "mock",
  });
  expect(tokens.length).toBeGreaterThan(1);
  expect(tokens.join("")).toBe("größer 😀 and longer than one piece");
  const [logged] = model.requests();
  expect(logged).toMatchObject({ key: "task-1/0", headers: { authorization: "Bearer sk-secret" } });
  expect(logged?.body).toMatchObject({ stream: true, max_tokens: 500, stream_options: { include_usage: true } });
  expect(logged?.body).not.toHaveProperty("temperature");
  expect(logged?.body).not.toHaveProperty("tools");
});

test("a provider without a key gets no authorization header", async () => {
  await using model = await startModel([{ text: "ok" }]);
  await call(model, { provider: { baseUrl: model.url } });
  expect(model.requests()[0]?.headers["authorization"]).toBeUndefined();
});

test("D28: temperature, format, tools and the whole conversation are in the request", async () => {
  await using model = await startModel([{ text: "{}" }, { text: "{}" }]);
  const schema = { type: "object", properties: { a: { type: "string" } } };
  await call(model, {
    temperature: 0.2,
    responseFormat: { kind: "schema", schema },
    tools: [{ name: "web__search", description: "Searches.", inputSchema: { type: "object" } }],
    messages: [
      { role: "user", text: "hello" },
      { role: "assistant", text: "", toolCalls: [{ id: "c1", name: "web__search", arguments: '{"q":1}' }] },
      { role: "tool", callId: "c1", text: "found" },
    ],
  });
  expect(model.requests()[0]?.body).toMatchObject({
    temperature: 0.2,
    response_format: { type: "json_schema", json_schema: { schema } },
    tools: [{ type: "function", function: { name: "web__search", parameters: { type: "object" } } }],
    messages: [
      { role: "user", content: "hello" },
      { role: "assistant", content: null, tool_calls: [{ id: "c1", function: { name: "web__search" } }] },
      { role: "tool", tool_call_id: "c1", content: "found" },
    ],
  });
  await call(model, { model: "gpt-4o", responseFormat: { kind: "json" } });
  expect(model.requests()[1]?.body).toMatchObject({
    max_completion_tokens: 500,
    response_format: { type: "json_object" },
  });
});

test("tool calls are put together from their pieces, in order, with names and ids", async () => {
  const long = { query: "a query that is longer than one piece of the stream", n: 1 };
  await using model = await startModel([
    { toolCalls: [{ name: "a", arguments: long, id: "one" }, { name: "b" }, { name: "c", arguments: "not json" }] },
  ]);
  const outcome = await call(model);
  expect(outcome).toMatchObject({ kind: "answer", stop: "tools", text: "" });
  if (outcome.kind !== "answer") return;
  expect(outcome.toolCalls.map((one) => one.name)).toEqual(["a", "b", "c"]);
  expect(outcome.toolCalls[0]?.id).toBe("one");
  expect(JSON.parse(outcome.toolCalls[0]!.arguments)).toEqual(long);
  expect(outcome.toolCalls.map((one) => one.arguments).slice(1)).toEqual(["{}", "not json"]);
});

test.each([
  ["length", { text: "half", finish: "length" as const }, { stop: "length", text: "half" }],
  ["a filter", { text: "I ", finish: "content_filter" as const }, { stop: "refusal", text: "I " }],
  ["a refusal", { refusal: "I will not." }, { stop: "refusal", text: "I will not." }],
  ["stop beside calls", { toolCalls: [{ name: "a" }], finish: "stop" as const }, { stop: "tools" }],
  ["length beside calls", { toolCalls: [{ name: "a" }], finish: "length" as const }, { stop: "length", toolCalls: [] }],
])("D21: the end of an answer is told apart: %s", async (_name, answer, wanted) => {
  await using model = await startModel([answer]);
  expect(await call(model)).toMatchObject({ kind: "answer", ...wanted });
});

describe("errors are sorted once", () => {
  test.each([
    ["429", { status: 429, retryAfterSeconds: 2 }, { kind: "retry", code: "provider.rate_limited", afterMs: 2_000 }],
    ["500", { status: 500 }, { kind: "retry", code: "provider.unavailable" }],
    ["503", { status: 503, retryAfterSeconds: 1 }, { kind: "retry", code: "provider.unavailable", afterMs: 1_000 }],
    ["408", { status: 408 }, { kind: "retry", code: "provider.timeout" }],
    ["409", { status: 409 }, { kind: "retry", code: "provider.unavailable" }],
    ["401", { status: 401, message: "bad key" }, { kind: "failed", code: "provider.auth", reason: "401 bad key" }],
    ["403", { status: 403 }, { kind: "failed", code: "provider.auth" }],
    [
      "400",
      { status: 400, message: "no such model" },
      { kind: "failed", code: "provider.refused", reason: "400 no such model" },
    ],
    ["404", { status: 404 }, { kind: "failed", code: "provider.refused" }],
    ["a cut stream", { cut: "so far so" }, { kind: "retry", code: "provider.unavailable" }],
    ["half a character", { half: "größer", torn: true }, { kind: "retry", code: "provider.unavailable" }],
    ["nonsense", { nonsense: "<html>oops</html>" }, { kind: "retry", code: "provider.bad_response" }],
    ["nonsense in events", { nonsense: "data: {nope\n\n" }, { kind: "retry", code: "provider.bad_response" }],
    [
      "no choices",
      { nonsense: 'data: {"id":"x"}\n\ndata: [DONE]\n\n' },
      { kind: "retry", code: "provider.bad_response" },
    ],
    ["20 MB", { bytes: 20 * 1024 * 1024 }, { kind: "failed", code: "provider.too_large" }],
  ])("%s", async (_name, answer, wanted) => {
    await using model = await startModel([answer]);
    expect(await call(model)).toMatchObject(wanted);
    expect(model.requests()).toHaveLength(1);
  });

  test("characters torn over packets arrive whole", async () => {
    await using model = await startModel([{ half: "größer €uro 😀" }]);
    expect(await call(model)).toMatchObject({ kind: "answer", text: "größer €uro 😀" });
  });

  test("an endless body of nonsense is cut off at the limit", async () => {
    await using model = await startModel([{ nonsense: "x".repeat(3_000_000) }]);
    const small = createOpenAiModel({ maxAnswerBytes: 1_000_000 });
    expect(await small.call(requestTo(model), () => {}, never)).toMatchObject({ code: "provider.too_large" });
  });

  test("a provider that is not there", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => gone.once("listening", resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const outcome = await call({ url: `http://127.0.0.1:${port}/v1` });
    expect(outcome).toMatchObject({ kind: "retry", code: "provider.unavailable" });
    expect(JSON.stringify(outcome)).toContain("ECONNREFUSED");
  });

  test("a provider that hangs is left after the time given", async () => {
    await using model = await startModel([{ hang: true }]);
    expect(await call(model, { timeoutMs: 2_000 })).toMatchObject({ kind: "retry", code: "provider.timeout" });
  });

  test("an abort ends the request at the server too", async () => {
    await using model = await startModel([{ hang: true }]);
    const abort = new AbortController();
    const waiting = createOpenAiModel().call(requestTo(model), () => {}, abort.signal);
    while (model.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect(await waiting).toMatchObject({ kind: "retry" });
  });

  test("P7: the key is in no outcome", async () => {
    await using model = await startModel([{ status: 401 }, { nonsense: "x" }, { status: 500 }]);
    const outcomes = [await call(model), await call(model), await call(model)];
    expect(JSON.stringify(outcomes)).not.toContain("sk-secret");
  });
});

describe("fields that a server does not take", () => {
  test("are left out of a second request, and of all later ones", async () => {
    await using model = await startModel([
      { status: 400, message: "Unsupported value", param: "temperature" },
      { status: 400, message: "response_format is not supported with tools" },
      { text: "ok" },
      { text: "again" },
    ]);
    const adapter = createOpenAiModel();
    const request = requestTo(model, { temperature: 0.5, responseFormat: { kind: "json" } });
    expect(await adapter.call(request, () => {}, never)).toMatchObject({ kind: "answer", text: "ok" });
    expect(await adapter.call(request, () => {}, never)).toMatchObject({ kind: "answer", text: "again" });
    const asked = model.requests().map(({ body }) => ["temperature" in body, "response_format" in body]);
    expect(asked).toEqual([
      [true, true],
      [false, true],
      [false, false],
      [false, false],
    ]);
  });

  test("the other name of the token limit is tried; a limit that is truly too high keeps its first words", async () => {
    await using model = await startModel([
      { status: 400, message: "use max_completion_tokens", param: "max_tokens" },
      { text: "ok" },
      { status: 400, message: "max_tokens is too large", param: "max_tokens" },
      { status: 400, message: "max_completion_tokens is too large" },
    ]);
    expect(await call(model)).toMatchObject({ kind: "answer" });
    expect(model.requests()[1]?.body).toMatchObject({ max_completion_tokens: 500 });
    expect(await call(model)).toMatchObject({ kind: "failed", reason: "400 max_tokens is too large" });
  });
});

test("a server that counts nothing is not free", async () => {
  const chunk = { id: "x", choices: [{ index: 0, delta: { content: "four" }, finish_reason: "stop" }] };
  await using model = await startModel([{ nonsense: `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n` }]);
  const outcome = await call(model);
  expect(outcome).toMatchObject({ kind: "answer", text: "four", usage: { outputTokens: 2 } });
  expect(outcome.kind === "answer" && outcome.usage.inputTokens).toBeGreaterThan(5);
});
