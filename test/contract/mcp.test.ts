import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ResolvedMcpServer } from "#core/agent/task.ts";
import { joinTools, type ServerHealth, type ToolServer } from "#core/agent/toolbox.ts";
import { parseStdioUrl } from "#platform/mcp/command.ts";
import { createMcpServers, type McpOptions } from "#platform/mcp/mcp.ts";
import { freePort, startMcp, stdioUrl } from "../harness/mcp.ts";

const never = new AbortController().signal;
const JSON_TYPE = { "content-type": "application/json" };
const rpcText = (id: unknown, text: string) =>
  JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } });
const key = { idempotencyKey: "task/0/0" };

function client(url: string, over: Partial<ResolvedMcpServer> = {}, options: McpOptions = { redialMs: 0 }): ToolServer {
  const [server] = createMcpServers([{ name: "all", url, headers: {}, timeoutMs: 20_000, ...over }], options);
  onTestFinished(() => server!.close());
  return server!;
}

async function namesOf(server: ToolServer): Promise<string[]> {
  const listed = await server.list(never);
  if (listed.kind !== "tools") throw new Error(listed.reason);
  return listed.tools.map(({ name }) => name);
}

/** A server that speaks just enough of the protocol to misbehave in one way. */
async function rogue(onCall: (response: ServerResponse, id: unknown) => void, headers: Record<string, string> = {}) {
  const seen: IncomingMessage[] = [];
  let initialized = 0;
  const server = createServer((request, response) => {
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method !== "POST") return void response.writeHead(405).end();
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
        id?: number;
        method: string;
        params: { protocolVersion?: string };
      };
      const answer = (result: unknown) =>
        response
          .writeHead(200, { "content-type": "application/json", ...headers })
          .end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      if (id === undefined) return void response.writeHead(202).end();
      if (method === "initialize") {
        initialized++;
        return void answer({
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "rogue", version: "1" },
        });
      }
      if (method === "tools/list") {
        return void answer({ tools: [{ name: "go", inputSchema: { type: "object" } }] });
      }
      if (method === "tools/call") return onCall(response, id);
      return void response
        .writeHead(400, { "content-type": "application/json" })
        .end(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "no such method" } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    initialized: () => initialized,
  };
}

describe.each(["streamableHttp", "sse", "stdio"] as const)("D27: the real reference server over %s", (transport) => {
  test("tools are listed and called; all parts and errors reach the model", async () => {
    await using mcp = transport === "stdio" ? undefined : await startMcp({ transport });
    const server = client(mcp?.url ?? stdioUrl);
    expect(await namesOf(server)).toEqual(expect.arrayContaining(["echo", "get-sum", "get-tiny-image"]));
    expect(await server.call("echo", { message: "größe" }, key, never)).toEqual({
      kind: "result",
      text: "Echo: größe",
    });
    const image = await server.call("get-tiny-image", {}, key, never);
    expect(image.text).toMatch(/^.+\n\n\[image image\/png, \d+ bytes\]\n\n.+$/s);
    const links = await server.call("get-resource-links", { count: 2 }, key, never);
    expect(links.text).toMatch(/\[resource .*\]/);
    const structured = await server.call("get-structured-content", { location: "Chicago" }, key, never);
    expect(JSON.parse(structured.text)).toHaveProperty("temperature");
    const bad = await server.call("get-sum", { a: "x", b: 1 }, key, never);
    expect(bad).toMatchObject({ kind: "error", code: "tool.failed", mayPass: false });
    expect(bad.text).toMatch(/invalid/i);
    expect(await server.call("no-such-tool", {}, key, never)).toMatchObject({ kind: "error", mayPass: false });
    await server.close();
    // Usable again after a close.
    expect((await server.call("get-sum", { a: 1, b: 2 }, key, never)).text).toContain("3");
  });
});

test("calls at once share one connection", async () => {
  await using mcp = await startMcp();
  const server = client(mcp.url);
  const sums = await Promise.all([1, 2, 3, 4].map((a) => server.call("get-sum", { a, b: 10 }, key, never)));
  expect(sums.map(({ text }) => /\d+\.?$/.exec(text)?.[0])).toEqual(["11.", "12.", "13.", "14."]);
});

test("K2: a server that died is reached again after its restart, and is said to be away meanwhile", async () => {
  const port = await freePort();
  const first = await startMcp({ port });
  const server = client(first.url);
  expect(await server.call("echo", { message: "one" }, key, never)).toMatchObject({ text: "Echo: one" });
  await first.kill();
  expect(await server.call("echo", { message: "two" }, key, never)).toMatchObject({
    kind: "error",
    code: "tool.unreachable",
    mayPass: true,
  });
  expect(await server.list(never)).toMatchObject({ kind: "unreachable" });
  await using _second = await startMcp({ port });
  expect(await server.call("echo", { message: "three" }, key, never)).toMatchObject({ text: "Echo: three" });
});

test("K4: a restarted server that does not know the session is asked anew at once", async () => {
  const port = await freePort();
  const first = await startMcp({ port });
  const server = client(first.url);
  await namesOf(server);
  await first.kill();
  await using _second = await startMcp({ port });
  expect(await server.call("echo", { message: "still" }, key, never)).toMatchObject({ text: "Echo: still" });
});

test("K2: a process that died is started again; it gets nothing of our environment but the harmless part", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-mcp-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const pidFile = path.join(folder, "pid");
  const server = client(`stdio:sh -c 'echo $$ > ${pidFile}; exec ${stdioUrl.slice("stdio:".length)}'`);
  const env = await server.call("get-env", {}, key, never);
  expect(JSON.parse(env.text)).toHaveProperty("PATH");
  expect(env.text).not.toContain("VITEST");
  const pid = Number(await readFile(pidFile, "utf8"));
  process.kill(pid, "SIGKILL");
  // The call may still meet the dying process; what counts is that the next ones come through.
  await server.call("echo", { message: "?" }, key, never);
  expect(await server.call("echo", { message: "again" }, key, never)).toMatchObject({ text: "Echo: again" });
  expect(Number(await readFile(pidFile, "utf8"))).not.toBe(pid);
});

test("a call that takes too long is left and says so, and costs a call beside it nothing; an abort ends one", async () => {
  const held: (() => void)[] = [];
  const slow = await rogue((response, id) => {
    held.push(() => void response.writeHead(200, JSON_TYPE).end(rpcText(id, "late but there")));
  });
  const patient = client(slow.url, { timeoutMs: 4_000 });
  const first = patient.call("go", {}, key, never);
  expect(await first).toMatchObject({ kind: "error", code: "tool.timeout", mayPass: false });
  const second = patient.call("go", {}, key, never);
  const abort = new AbortController();
  const third = patient.call("go", {}, key, abort.signal);
  while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  expect(await third).toMatchObject({ kind: "error" });
  for (const answer of held) answer();
  expect(await second).toEqual({ kind: "result", text: "late but there" });
  expect(slow.initialized()).toBe(1);
});

test("one unreachable server costs its own tools only, and is named", async () => {
  await using mcp = await startMcp();
  const gone = `http://127.0.0.1:${await freePort()}/mcp`;
  const servers = createMcpServers([
    { name: "gone", url: gone, headers: {}, timeoutMs: 5_000 },
    { name: "all", url: mcp.url, headers: {}, timeoutMs: 20_000 },
    { name: "odd", url: "ftp://example.com/x", headers: {}, timeoutMs: 5_000 },
    { name: "user", url: "http://me:pw@127.0.0.1/mcp", headers: {}, timeoutMs: 5_000 },
  ]);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))));
  const seen: ServerHealth[] = [];
  const toolbox = joinTools(servers, [], (found) => seen.push(...found));
  const tools = await toolbox.list(never);
  const listed = [...seen];
  expect(tools.map(({ name }) => name)).toContain("all__echo");
  expect(await toolbox.call("all__echo", { message: "x" }, key, never)).toMatchObject({ kind: "result" });
  expect(listed).toMatchObject([
    { name: "gone", healthy: false, message: expect.stringContaining("ECONNREFUSED") },
    { name: "all", healthy: true },
    { name: "odd", healthy: false },
    { name: "user", healthy: false },
  ]);
  expect(await toolbox.call("gone__x", {}, key, never)).toMatchObject({ code: "tool.unknown" });
});

test("headers go with every request; a refused login is named and not tried as SSE", async () => {
  const { url, seen } = await rogue((response, id) => response.writeHead(200, JSON_TYPE).end(rpcText(id, "ok")));
  const server = client(url, { headers: { authorization: "Bearer t", "x-team": "a" } });
  expect(await server.call("go", {}, key, never)).toEqual({ kind: "result", text: "ok" });
  expect(seen.length).toBeGreaterThan(2);
  expect(seen.every(({ headers }) => headers.authorization === "Bearer t" && headers["x-team"] === "a")).toBe(true);

  const refusing = createServer((_request, response) => response.writeHead(401).end());
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void refusing.close());
  const refused = await client(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}/mcp`).list(never);
  expect(refused).toEqual({ kind: "unreachable", reason: "AuthFailed: the server answered 401" });
});

describe("what a server may not do", () => {
  test("answer with more than a message may hold", async () => {
    const { url } = await rogue((response, id) =>
      response.writeHead(200, JSON_TYPE).end(rpcText(id, "x".repeat(3_000_000))),
    );
    const server = client(url, {}, { maxMessageBytes: 1_000_000, redialMs: 0 });
    expect(await server.call("go", {}, key, never)).toMatchObject({ kind: "error", code: "tool.too_large" });
    expect(await namesOf(server)).toEqual(["go"]);
  });

  test("fill the model's context", async () => {
    await using mcp = await startMcp();
    const server = client(mcp.url, {}, { maxResultBytes: 1_000 });
    expect(await server.call("echo", { message: "x".repeat(2_000) }, key, never)).toMatchObject({
      code: "tool.too_large",
      mayPass: false,
    });
  });

  test("end its stream without an answer and be waited for", async () => {
    const { url } = await rogue((response) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).end(": nothing\n\n"),
    );
    expect(await client(url).call("go", {}, key, never)).toMatchObject({ code: "tool.unreachable", mayPass: false });
  });

  test("break off after it was asked: nobody knows whether the tool ran, so it is not asked again", async () => {
    const { url } = await rogue((response) => void response.destroy());
    expect(await client(url).call("go", {}, key, never)).toMatchObject({ code: "tool.unreachable", mayPass: false });
  });
});

test("K3: after a failed dial the reason is given at once until the pause is over", async () => {
  const port = await freePort();
  const server = client(`http://127.0.0.1:${port}/mcp`, {}, { redialMs: 3_600_000 });
  expect(await server.list(never)).toMatchObject({ kind: "unreachable" });
  await using _mcp = await startMcp({ port });
  expect(await server.list(never)).toMatchObject({ kind: "unreachable" });
});

test("stdio addresses are command lines", () => {
  expect(parseStdioUrl("stdio:npx -y some-server")).toEqual({ command: "npx", args: ["-y", "some-server"] });
  expect(parseStdioUrl(`stdio://"/a b/x" --k='v "w"' c\\ d ""`)).toEqual({
    command: "/a b/x",
    args: ['--k=v "w"', "c d", ""],
  });
  expect(parseStdioUrl("stdio:")).toBeUndefined();
});
