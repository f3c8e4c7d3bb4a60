/** What executors tell of MCP servers: instances with a connection each, one nats-server, a real MCP server (D27). */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ResolvedAgent, ResolvedMcpServer } from "#core/agent/task.ts";
import { type JoinedToolbox, joinTools } from "#core/agent/toolbox.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import { createMcpServers } from "#platform/mcp/mcp.ts";
import { createReport } from "../../../functions/executor/server-report.ts";
import { taskFor } from "../../harness/agent-loop.ts";
import { quiet } from "../../harness/ark.ts";
import { freePort, startMcp } from "../../harness/mcp.ts";
import { connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

const alive = new AbortController().signal;
const POLL = { timeout: 60_000, interval: 20 };
const SECOND = 1_000;
/** Of all pods; it does not go by itself, so that what is told when can be said. */
let clock = 1_700_000_000_000;

let agents = 0;
/** An agent of its own for each test. */
function anAgent(over: Partial<ResolvedAgent>): ResolvedAgent {
  agents += 1;
  return taskFor({ url: "http://127.0.0.1:1" }, { agent: { name: `agent-${agents}`, uid: `uid-${agents}`, ...over } })
    .agent;
}

const serverAt = (url: string, over: Partial<ResolvedMcpServer> = {}): ResolvedMcpServer => ({
  name: "wiki",
  url,
  headers: {},
  timeoutMs: 20_000,
  ...over,
});

type Pod = AsyncDisposable & {
  readonly tools: JoinedToolbox;
  use(): Promise<string[]>;
  readonly asks: { last: number; tell: number };
};

async function startPod(agent: ResolvedAgent, redialMs = 0): Promise<Pod> {
  const store = await connectStore(opened.nats, { requestTimeoutMs: 2_000 });
  const asks = { last: 0, tell: 0 };
  const counted: ToolServers = {
    last: (id) => store.toolServers.last(id).finally(() => (asks.last += 1)),
    tell: (id, seen) => store.toolServers.tell(id, seen).finally(() => (asks.tell += 1)),
  };
  const report = createReport(agent, { toolServers: counted, now: () => clock, log: quiet });
  const tools = joinTools(createMcpServers(agent.mcpServers, { redialMs }), [], report);
  return {
    tools,
    asks,
    use: async () => (await tools.list(alive)).map(({ name }) => name),
    [Symbol.asyncDispose]: async () => {
      await tools.close();
      await store.close();
    },
  };
}

/** As the operator reads it. */
const lastOf = ({ namespace, name, uid }: ResolvedAgent) =>
  opened.store.toolServers.last({ namespace, agent: name, uid });

test("D27: a server that goes down is told, with since when, beyond the pods that saw it; and that it is back", async () => {
  await using mcp = await startMcp();
  const agent = anAgent({ mcpServers: [serverAt(mcp.url)] });
  const { url } = mcp;
  const began = clock;
  {
    await using pod = await startPod(agent);
    expect(await lastOf(agent)).toEqual([]);
    expect(await pod.use()).toContain("wiki__echo");
    await expect
      .poll(() => lastOf(agent), POLL)
      .toEqual([{ name: "wiki", url, healthy: true, at: began, since: began }]);
    await mcp.kill();
    clock += SECOND;
    expect(await pod.use()).toEqual([]);
    await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: false, at: clock, since: clock }]);
  }
  const down = clock;
  expect(await lastOf(agent)).toMatchObject([{ name: "wiki", url, message: expect.stringMatching(/./) }]);
  clock += 61 * SECOND;
  await using later = await startPod(agent);
  expect(await later.use()).toEqual([]);
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: false, at: clock, since: down }]);
  await using again = await startMcp({ port: mcp.port });
  expect(again.url).toBe(url);
  clock += SECOND;
  expect(await later.use()).toContain("wiki__echo");
  await expect.poll(() => lastOf(agent), POLL).toEqual([{ name: "wiki", url, healthy: true, at: clock, since: clock }]);
  expect(await opened.store.toolServers.last({ namespace: agent.namespace, agent: agent.name, uid: "later" })).toEqual(
    [],
  );
});

test("D27: a server that dies between two calls of one task is told by the call", async () => {
  await using mcp = await startMcp();
  const agent = anAgent({ mcpServers: [serverAt(mcp.url), serverAt(mcp.url, { name: "mail" })] });
  await using pod = await startPod(agent);
  const call = (tool: string) => pod.tools.call(tool, { message: "x" }, { idempotencyKey: "k" }, alive);
  expect(await call("wiki__echo")).toMatchObject({ kind: "result" });
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: true }, { healthy: true }]);
  await mcp.kill();
  expect(await call("wiki__echo")).toMatchObject({ code: "tool.unreachable" });
  const found = [
    { name: "wiki", healthy: false },
    { name: "mail", healthy: true },
  ];
  await expect.poll(() => lastOf(agent), POLL).toMatchObject(found);
});

test("H2: what does not change is looked at every ten seconds, told once a minute; the last one to use a server is right", async () => {
  await using mcp = await startMcp();
  const agent = anAgent({ mcpServers: [serverAt(mcp.url)] });
  await using stale = await startPod(agent, 3_600_000);
  await using pod = await startPod(agent);
  const used = async (times: number, stepMs: number) => {
    for (let n = 0; n < times; n += 1) {
      clock += stepMs;
      await pod.use();
    }
  };
  await used(1, 0);
  await expect.poll(() => pod.asks, POLL).toEqual({ last: 1, tell: 1 });
  await used(9, SECOND);
  await used(1, SECOND);
  await expect.poll(() => pod.asks, POLL).toEqual({ last: 2, tell: 1 });
  clock += 61 * SECOND;
  await used(1, 0);
  await expect.poll(() => pod.asks, POLL).toEqual({ last: 3, tell: 2 });

  await mcp.kill();
  await stale.use();
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: false }]);
  await using again = await startMcp({ port: mcp.port });
  expect(again.port).toBe(mcp.port);
  clock += SECOND;
  // It was down for one instance alone: the other has seen nothing new, and looks.
  await pod.use();
  await used(1, 10 * SECOND);
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: true }]);
  expect(stale.asks.tell).toBe(1);
  clock += 10 * SECOND;
  await stale.use();
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ healthy: false, at: clock, since: clock }]);
});

test("P7, H3: a server's words are told in one short line, without secrets, headers and what an address hides", async () => {
  const hidden = ["planted-token-1", "planted-header-2", "planted-query-3", "planted-bearer-4"];
  const server = createServer((request, response) => void refuse(request, response, hidden)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [token, header, query, bearer] = hidden;
  const url = `http://127.0.0.1:${port}/mcp?api_key=${query}`;
  const headers = { "x-team": String(header), authorization: `Bearer ${bearer}` };
  const agent = anAgent({ mcpServers: [serverAt(url, { headers })], secrets: [String(token), `Bearer ${bearer}`] });
  await using pod = await startPod(agent);
  await pod.use();
  await expect.poll(() => lastOf(agent), POLL).toMatchObject([{ url: `http://127.0.0.1:${port}/mcp`, healthy: false }]);
  const [{ message = "" } = {}] = await lastOf(agent);
  expect(message).toContain("[redacted]");
  expect(message.length).toBeLessThanOrEqual(257);
  expect(message).not.toMatch(/\s\s|\n|[\uD800-\uDBFF]$/);
  expect(hidden.filter((one) => JSON.stringify(message).includes(one))).toEqual([]);
  server.closeAllConnections();
  server.close();
});

/** Every question, with all that came with it and more. */
async function refuse(request: IncomingMessage, response: ServerResponse, words: readonly string[]): Promise<void> {
  const { id = null } = (await json(request)) as { id?: number };
  const said = `${request.url}\n${JSON.stringify(request.headers)}\n${words.join("\n")}\n\u{1F600}`;
  const error = { code: -32_000, message: said.repeat(40) };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id, error }));
}

test("P8, H1: while NATS is away tasks have their tools; what was seen then is told with the next use", async () => {
  await using mcp = await startMcp();
  const gone = `http://127.0.0.1:${await freePort()}/mcp`;
  const agent = anAgent({ mcpServers: [serverAt(mcp.url), serverAt(gone, { name: "gone" })] });
  await using pod = await startPod(agent);
  await opened.nats.stop();
  expect(await pod.use()).toContain("wiki__echo");
  await expect.poll(() => pod.asks.last, POLL).toBe(1);
  await opened.nats.restart();
  const told = async () => {
    await pod.use();
    return lastOf(agent).catch(() => []);
  };
  const found = [
    { name: "wiki", healthy: true },
    { name: "gone", healthy: false, message: expect.stringContaining("ECONNREFUSED") },
  ];
  await expect.poll(told, POLL).toMatchObject(found);
});
