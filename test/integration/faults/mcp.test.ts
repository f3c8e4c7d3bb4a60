/** A tool server that dies in the middle of a call: the model is told, the run ends, and the server is reached again (D27). */
import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { type ChatRequest, lastUserText, textOf } from "../../../local/model-server/script.ts";
import { startMcp } from "../../harness/mcp.ts";
import { startWatched } from "../../harness/settled.ts";

const CALLS = 12;

const yaml = (url: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: desk }
spec:
  successfulRunsHistoryLimit: 100000
  input: { text: none }
  roles:
    - name: write
      model: gpt-4o-mini
      systemPrompt: You write.
      limits: { maxConcurrentTasks: ${CALLS} }
      mcpServers: [{ name: all, url: "${url}", timeoutSeconds: 20 }]
  pipeline: [{ role: write, inputs: { prompt: "Say {{ .input.text }}" } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: desk }] }
`;

test("D27, P3: an MCP server that dies with a dozen calls in its hands costs those calls and no run", async () => {
  await using mcp = await startMcp();
  await using proxy = await startProxy(mcp.port);
  await using ark = await startWatched(yaml(proxy.url), (request) => {
    const said = toolText(request);
    if (said !== undefined) return { text: said.includes("Error") ? "without the tool" : `with the tool: ${said}` };
    const isLong = lastUserText(request) === "Say long";
    const name = isLong ? "all__trigger-long-running-operation" : "all__echo";
    return { toolCalls: [{ name, arguments: isLong ? { duration: 60, steps: 2 } : { message: "owls" } }] };
  });
  const inHand = proxy.calls(CALLS);
  await Promise.all(Array.from({ length: CALLS }, (_, n) => ark.accept("hook", { text: "long" }, `long-${n}`)));
  await inHand;
  await mcp.kill();
  const health = async () => {
    const agent = await ark.local.js.objects.get("ArkAgent", { namespace: "default", name: "desk-write" });
    const [degraded] = (agent?.status?.conditions ?? []).filter(({ type }) => type === "MCPDegraded");
    return [degraded?.status, ...(agent?.status?.mcpServers ?? []).map(({ name, healthy }) => `${name} ${healthy}`)];
  };
  await expect.poll(health, { timeout: 30_000 }).toEqual(["True", "all false"]);
  const runs = await ark.settled();
  expect(runs.map(({ status }) => status?.output)).toEqual(Array.from({ length: CALLS }, () => "without the tool"));

  await using again = await startMcp({ port: mcp.port });
  expect(again.port).toBe(mcp.port);
  // An unreachable server is not dialled for every task: one of the next runs has its tools again.
  for (let fires = 0; !(await ark.settled()).some(({ status }) => status?.output?.includes("Echo: owls")); fires++)
    await ark.accept("hook", { text: "owls" }, `after-${fires}`);
  await expect.poll(health, { timeout: 30_000 }).toEqual(["False", "all true"]);
});

/** What the tool gave, once it was called. */
function toolText({ messages }: ChatRequest): string | undefined {
  const message = messages.findLast(({ role }) => role === "tool");
  return message === undefined ? undefined : textOf(message.content);
}

type Proxy = AsyncDisposable & {
  readonly url: string;
  /** Resolves once so many tool calls have been handed on since. */
  calls(count: number): Promise<void>;
};

/** Hands bytes on, both ways, and counts the tool calls that go through. */
async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let seen = 0;
  let waiting: { readonly at: number; readonly resolve: () => void } | undefined;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.pipe(near);
    near.on("data", (chunk: Buffer) => {
      far.write(chunk);
      seen += chunk.toString("latin1").split('"tools/call"').length - 1;
      if (waiting !== undefined && seen >= waiting.at) waiting.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    calls: (count) =>
      new Promise((resolve) => {
        waiting = { at: seen + count, resolve };
      }),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
