import { describe, expect, test } from "vitest";
import { loadScript } from "../../local/model-server/load.ts";
import { startModelServer } from "../../local/model-server/server.ts";
import { startModel } from "../harness/model.ts";

type Body = Record<string, unknown>;
const HELLO = { model: "mock", messages: [{ role: "user", content: "hello there" }] };

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(25_000),
  });
}
async function ask(url: string, body: Body): Promise<{ content: string; finish: string; usage: Body; message: Body }> {
  const response = await post(url, body);
  expect(response.status).toBe(200);
  const json = (await response.json()) as { choices: { message: Body; finish_reason: string }[]; usage: Body };
  const choice = json.choices[0]!;
  return {
    content: choice.message["content"] as string,
    finish: choice.finish_reason,
    usage: json.usage,
    message: choice.message,
  };
}
function events(text: string): Body[] {
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => JSON.parse(event.slice(6)) as Body);
}
function streamedText(chunks: Body[]): string {
  return chunks
    .flatMap((chunk) => chunk["choices"] as { delta: { content?: string } }[])
    .map((choice) => choice.delta.content ?? "")
    .join("");
}

describe("without a script", () => {
  test("M2: the answer is a short echo of the last user message, the same every time", async () => {
    await using server = await startModelServer();
    const first = await ask(server.url, HELLO);
    expect(first.content).toBe("Mock answer to: hello there");
    expect(await ask(server.url, HELLO)).toEqual(first);
    const long = await ask(server.url, {
      ...HELLO,
      messages: [{ role: "user", content: [{ type: "text", text: "é".repeat(500) }] }],
    });
    expect(long.content).toBe(`Mock answer to: ${"é".repeat(200)}…`);
  });

  test("a schema is answered with an instance of it, the probe with HEALTHY, the semantic question with VALID", async () => {
    await using server = await startModelServer();
    const schema = {
      type: "object",
      required: ["facts", "kind", "when"],
      properties: {
        facts: { type: "array", minItems: 2, items: { type: "string", minLength: 6 } },
        kind: { enum: ["a", "b"] },
        when: { $ref: "#/$defs/day" },
        left: { type: "string" },
      },
      $defs: { day: { type: "string", format: "date" } },
    };
    const format = { type: "json_schema", json_schema: { name: "answer", schema } };
    const { content } = await ask(server.url, { ...HELLO, response_format: format });
    expect(JSON.parse(content)).toEqual({ facts: ["text..", "text.."], kind: "a", when: "2024-01-01" });
    const say = async (content: string) =>
      (await ask(server.url, { ...HELLO, messages: [{ role: "user", content }] })).content;
    expect(await say("Reply with exactly one word: HEALTHY")).toBe("HEALTHY");
    expect(await say("Answer VALID or INVALID: reason")).toBe("VALID");
    expect(await say('<ark:step-output name="a"><content>data</content></ark:step-output>')).toBe(
      "Mock answer to: data",
    );
  });
});

test("M1: the log has every request with its key and digest, and says which were answered in full", async () => {
  await using model = await startModel([{ text: "one" }, { status: 500 }, { cut: "half an ans" }]);
  await post(model.url, HELLO, { "idempotency-key": "task/0" });
  await (await post(model.url, HELLO, { "idempotency-key": "task/0" })).text();
  await (await post(model.url, { ...HELLO, stream: true })).text().catch(() => undefined);
  const log = model.requests();
  expect(log.map(({ key, answered }) => [key, answered])).toEqual([
    ["task/0", true],
    ["task/0", false],
    [undefined, false],
  ]);
  expect(log[0]?.digest).toBe(log[1]?.digest);
  expect(log[0]?.usage).toEqual({ inputTokens: 11, outputTokens: 1 });
});

test("the log is bounded", async () => {
  await using server = await startModelServer({ keepRequests: 2 });
  for (const _ of [1, 2, 3]) await ask(server.url, HELLO);
  expect(server.requests().map(({ index }) => index)).toEqual([1, 2]);
});

test("a stream carries text in pieces, tool arguments in pieces, and usage when asked for", async () => {
  const text = "All of this is streamed, ünd nothing is lost: 😀😀😀😀😀😀😀😀😀😀😀😀😀😀.";
  await using model = await startModel([
    { text, usage: { inputTokens: 3, outputTokens: 4 } },
    { toolCalls: [{ name: "search", arguments: { query: "a long query that does not fit into one piece" } }] },
    { text: "no usage" },
  ]);
  const stream = { ...HELLO, stream: true, stream_options: { include_usage: true } };
  const first = events(await (await post(model.url, stream)).text());
  expect(streamedText(first)).toBe(text);
  expect(first.length).toBeGreaterThan(4);
  expect(first.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 7 } });
  const second = events(await (await post(model.url, stream)).text());
  const calls = second.flatMap((chunk) => chunk["choices"] as { delta: { tool_calls?: Body[] } }[]);
  const parts = calls.flatMap(({ delta }) => delta.tool_calls ?? []).map((call) => call["function"] as Body);
  expect(JSON.parse(parts.map((part) => part["arguments"]).join(""))).toEqual({
    query: "a long query that does not fit into one piece",
  });
  const third = await (await post(model.url, { ...HELLO, stream: true })).text();
  expect(third).not.toContain("prompt_tokens");
  expect(third.endsWith("data: [DONE]\n\n")).toBe(true);
});

test("faults: 429 with retry-after, 500, a refused parameter, nonsense, and characters torn over packets", async () => {
  await using model = await startModel([
    { status: 429, retryAfterSeconds: 7 },
    { status: 400, message: "temperature is not supported", param: "temperature" },
    { nonsense: "<html>oops" },
    { half: "größer €" },
    { half: "größer €", torn: true },
  ]);
  const limited = await post(model.url, HELLO);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await (await post(model.url, HELLO)).json()).toMatchObject({ error: { param: "temperature" } });
  expect(await (await post(model.url, HELLO)).text()).toBe("<html>oops");
  const stream = { ...HELLO, stream: true };
  expect(streamedText(events(await (await post(model.url, stream)).text()))).toBe("größer €");
  await expect((await post(model.url, stream)).text()).rejects.toThrow();
});

test("M3: stop ends a request that hangs", async () => {
  await using server = await startModelServer({ script: [{ hang: true }] });
  const hanging = post(server.url, HELLO);
  const ended = expect(hanging).rejects.toThrow();
  while (server.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
  await ended;
});

test("an answer waits for the event it is held back for", async () => {
  let open = () => {};
  const until = new Promise<void>((resolve) => (open = resolve));
  await using model = await startModel([{ text: "late", until }]);
  const waiting = ask(model.url, HELLO);
  while (model.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(model.requests()[0]?.answered).toBe(false);
  open();
  expect((await waiting).content).toBe("late");
});

test("the harness fails on a call too many and on an answer too few", async () => {
  const tooMany = await startModel([]);
  expect((await post(tooMany.url, HELLO)).status).toBe(400);
  await expect(tooMany[Symbol.asyncDispose]()).rejects.toThrow(/1 unexpected/);
  await expect((await startModel([{ text: "unused" }]))[Symbol.asyncDispose]()).rejects.toThrow(/1 left over/);
});

test("what is not the protocol is refused with its reason", async () => {
  await using server = await startModelServer();
  expect((await post(server.url, "{")).status).toBe(400);
  expect((await post(server.url, { model: "mock", messages: [] })).status).toBe(400);
  expect((await fetch(`${server.url}/embeddings`, { method: "POST", body: "{}" })).status).toBe(404);
  expect(await (await fetch(`${server.url}/models`)).json()).toMatchObject({ data: [{ id: "mock" }] });
});

describe("mock.yaml", () => {
  test("rules choose by message, model and system prompt; the last answer repeats; no rule means the default", async () => {
    const loaded = loadScript(`
rules:
  - match: weather
    answers:
      - toolCalls: [{ name: api__forecast, arguments: { city: Bonn } }]
      - It rains.
  - model: mock-judge
    answers: [VALID]
  - system: You are a critic
    answers: [{ json: { score: 3 } }]
`);
    if (loaded.kind !== "script") throw new Error(JSON.stringify(loaded));
    await using server = await startModelServer({ script: loaded.script });
    const weather = { model: "mock", messages: [{ role: "user", content: "the weather in Bonn" }] };
    expect((await ask(server.url, weather)).finish).toBe("tool_calls");
    expect((await ask(server.url, weather)).content).toBe("It rains.");
    expect((await ask(server.url, weather)).content).toBe("It rains.");
    expect((await ask(server.url, { ...HELLO, model: "mock-judge" })).content).toBe("VALID");
    const critic = { ...HELLO, messages: [{ role: "system", content: "You are a critic." }, ...HELLO.messages] };
    expect((await ask(server.url, critic)).content).toBe('{"score":3}');
    expect((await ask(server.url, HELLO)).content).toBe("Mock answer to: hello there");
  });

  test("P10: faults name the field", () => {
    expect(loadScript("rules: [{answers: [{text: a, json: 1}]}]")).toMatchObject({
      kind: "faults",
      faults: [{ path: "rules[0].answers[0]" }],
    });
    expect(loadScript("rule: []")).toMatchObject({ kind: "faults" });
    expect(loadScript("rules: [")).toMatchObject({ kind: "faults" });
  });
});
