import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import type { ResolvedWebhookTool } from "#core/agent/task.ts";
import { joinTools } from "#core/agent/toolbox.ts";
import { createWebhookTools, type WebhookToolOptions } from "#platform/http/webhook-tool.ts";
import { startHttp } from "../harness/http.ts";
import { freePort } from "../harness/mcp.ts";

type Seen = { method: string; url: URL; headers: IncomingHttpHeaders; body: string };
const never = new AbortController().signal;

async function receiver(answer: (response: ServerResponse, seen: Seen) => void) {
  const seen: Seen[] = [];
  const { url, [Symbol.asyncDispose]: end } = await startHttp((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: new URL(request.url ?? "/", "http://x"),
        headers: request.headers,
        body,
      };
      seen.push(one);
      answer(response, one);
    });
  });
  onTestFinished(end);
  return { url: `${url}/hook`, seen };
}

function tool(url: string, over: Partial<ResolvedWebhookTool> = {}, options: WebhookToolOptions = {}) {
  const resolved: ResolvedWebhookTool = {
    name: "lookup",
    description: "Looks up.",
    url,
    method: "POST",
    inputSchema: { type: "object" },
    headers: {},
    timeoutMs: 20_000,
    ...over,
  };
  const [made] = createWebhookTools([resolved], options);
  return (args: Record<string, unknown>, signal = never) => made!.call(args, { idempotencyKey: "task/1/0" }, signal);
}

test("D30: GET sends its arguments as the query, and cannot change what the URL says", async () => {
  const { url, seen } = await receiver((response) => response.end("found"));
  const call = tool(`${url}?key=fixed`, { method: "GET", headers: { "x-api-key": "s" } });
  const args = { q: "größe & co", n: 3, yes: true, tags: ["a", "b"], where: { x: 1 }, key: "mine" };
  expect(await call(args)).toEqual({ kind: "result", text: "found" });
  const [one] = seen;
  expect(one?.method).toBe("GET");
  expect([...one!.url.searchParams]).toEqual([
    ["key", "fixed"],
    ["q", "größe & co"],
    ["n", "3"],
    ["yes", "true"],
    ["tags", "a"],
    ["tags", "b"],
    ["where", '{"x":1}'],
  ]);
  expect(one).toMatchObject({ body: "", headers: { "idempotency-key": "task/1/0", "x-api-key": "s" } });
});

test.each(["POST", "PUT", "PATCH"] as const)("%s sends its arguments as a JSON body", async (method) => {
  const { url, seen } = await receiver((response) =>
    response.writeHead(201, { "content-type": "application/json" }).end('{"ok":true}'),
  );
  expect(await tool(url, { method })({ a: [1, { b: "ü" }] })).toEqual({ kind: "result", text: '{"ok":true}' });
  expect(seen[0]).toMatchObject({ method, headers: { "content-type": "application/json" } });
  expect(JSON.parse(seen[0]!.body)).toEqual({ a: [1, { b: "ü" }] });
  expect(seen[0]!.headers["idempotency-key"]).toBe("task/1/0");
});

test.each([
  [404, {}, { mayPass: false, text: "HTTP 404. words of the server" }],
  [422, {}, { mayPass: false }],
  [500, {}, { mayPass: true }],
  [429, { "retry-after": "3" }, { mayPass: true, afterMs: 3_000 }],
  [503, { "retry-after": new Date(0).toUTCString() }, { mayPass: true, afterMs: 0 }],
])("HTTP %i goes to the model as an error", async (status, headers, wanted) => {
  const { url } = await receiver((response) => response.writeHead(status, headers).end("words of the server"));
  expect(await tool(url)({})).toMatchObject({ kind: "error", code: "tool.failed", ...wanted });
});

test("H3: redirects are not followed, so no header goes elsewhere", async () => {
  const other = await receiver((response) => response.end("secret taken"));
  const { url } = await receiver((response) => response.writeHead(307, { location: other.url }).end());
  const outcome = await tool(url, { headers: { authorization: "Bearer s" } })({});
  expect(outcome).toMatchObject({ kind: "error", mayPass: false, text: `HTTP 307. It points to ${other.url}.` });
  expect(other.seen).toHaveLength(0);
});

test.each(["file:///etc/passwd", "ftp://example.com/", "http://me:pw@127.0.0.1/", "no url"])(
  "H3: %s is not dialled",
  async (url) => {
    const outcome = await tool(url)({});
    expect(outcome).toMatchObject({ kind: "error", code: "tool.failed", mayPass: false });
    expect(outcome.text).not.toContain("pw");
  },
);

test("H4: an answer above the limit is refused, an endless one too", async () => {
  const { url } = await receiver((response) => {
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
    };
    response.on("drain", more);
    more();
  });
  expect(await tool(url, {}, { maxResultBytes: 100_000 })({})).toMatchObject({
    kind: "error",
    code: "tool.too_large",
    mayPass: false,
  });
});

test("H4: bytes are named; nothing is said to be nothing", async () => {
  const { url } = await receiver((response, { body }) =>
    body === "{}"
      ? response.writeHead(204).end()
      : response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from([1, 2, 3])),
  );
  expect(await tool(url)({})).toEqual({ kind: "result", text: "(nothing, HTTP 204)" });
  expect(await tool(url)({ a: 1 })).toEqual({ kind: "result", text: "[image/png, 3 bytes]" });
});

test("H4: a tool that hangs is left after its time; an abort ends it at once", async () => {
  let reached = () => {};
  const { url } = await receiver(() => reached());
  expect(await tool(url, { timeoutMs: 300 })({})).toMatchObject({ code: "tool.timeout", mayPass: true });
  const abort = new AbortController();
  const arrived = new Promise<void>((resolve) => (reached = resolve));
  const calling = tool(url)({}, abort.signal);
  await arrived;
  abort.abort();
  expect(await calling).toMatchObject({ kind: "error" });
});

test("a server that is not there, or breaks off", async () => {
  expect(await tool(`http://127.0.0.1:${await freePort()}/`)({})).toMatchObject({
    code: "tool.unreachable",
    mayPass: true,
    text: expect.stringContaining("ECONNREFUSED"),
  });
  const { url } = await receiver((response) => void response.destroy());
  expect(await tool(url)({})).toMatchObject({ code: "tool.unreachable", mayPass: true });
});

test("X4: arguments that do not fit the schema never leave the house", async () => {
  const { url, seen } = await receiver((response) => response.end("ok"));
  const inputSchema = { type: "object", required: ["city"], properties: { city: { type: "string" } } };
  const tools = createWebhookTools([
    { name: "weather", description: "", url, method: "POST", inputSchema, headers: {}, timeoutMs: 20_000 },
  ]);
  const toolbox = joinTools([], tools);
  const key = { idempotencyKey: "k" };
  expect(await toolbox.call("weather", { city: 7 }, key, never)).toMatchObject({
    kind: "error",
    text: expect.stringContaining("/city: must be string"),
  });
  expect(seen).toHaveLength(0);
  expect(await toolbox.call("weather", { city: "Bonn" }, key, never)).toEqual({ kind: "result", text: "ok" });
});
