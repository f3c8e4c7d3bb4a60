/** An agent that shows MCP servers a client certificate, from the manifests to the handshake (D27, P7). */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { type ChatRequest, textOf } from "../../../local/model-server/script.ts";
import { firedRun, startArk } from "../../harness/ark.ts";
import { authority, type Issued } from "../../harness/certificates.ts";
import { startMcp } from "../../harness/mcp.ts";
import { startTlsGuard } from "../../harness/tls-guard.ts";

const ours = authority("ours");
const right = ours.issue("agent");
const wrong: Issued = { ...authority("theirs").issue("agent"), ca: ours.ca };

/** As cert-manager writes it. */
function secret(name: string, { cert, key, ca }: Issued): object {
  const data = Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca });
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name },
    data: Object.fromEntries(data.map(([at, text]) => [at, Buffer.from(text).toString("base64")])),
  };
}

const ark = (kind: string, name: string, spec: object) => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind,
  metadata: { name },
  spec,
});

function manifests(url: string): string {
  const server = (name: string) => ({ name, url, auth: { mtls: { secretRef: { name: `${name}-client` } } } });
  const objects = [
    secret("wiki-client", right),
    secret("mail-client", wrong),
    ark("ArkSettings", "house", { security: { requireMCPAuth: true } }),
    ark("ArkAgent", "writer", {
      model: "gpt-4o-mini",
      systemPrompt: "You write.",
      settingsRefs: [{ name: "house" }],
      mcpServers: [server("wiki"), server("mail")],
    }),
    ark("ArkTeam", "desk", {
      roles: [{ name: "write", arkAgent: "writer" }],
      pipeline: [{ role: "write", inputs: { prompt: "Go." } }],
    }),
    ark("ArkEvent", "hook", { source: { type: "webhook" }, targets: [{ team: "desk" }] }),
  ];
  return objects.map((one) => JSON.stringify(one)).join("\n---\n");
}

/** Says a key that it cannot know, its lines broken as a chat would break them. */
function answer(request: ChatRequest) {
  const tool = request.messages.findLast(({ role }) => role === "tool");
  if (tool === undefined) return { toolCalls: [{ name: "wiki__echo", arguments: { message: "hello" } }] };
  return { text: `${textOf(tool.content)}, with ${right.key.replaceAll("\n", "\r\n> ")}` };
}

test("the right certificate lets a task use the tools, a wrong one costs its server's alone, and no key is shown", async () => {
  await using mcp = await startMcp();
  await using guard = await startTlsGuard(mcp.port, ours.issue("server"));
  const lines: string[] = [];
  const note = (...given: unknown[]) => void lines.push(inspect(given, { depth: 12 }));
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
  await using local = await startArk(manifests(`https://localhost:${guard.port}/mcp`), answer, log);
  const run = await firedRun(local, "hook");
  expect(run.status).toMatchObject({ phase: "Succeeded", output: expect.stringContaining("Echo: hello, with") });
  expect(run.status?.output).toContain("[redacted]");
  expect(guard.seen).toContain("agent");

  const [request] = local.model.requests().map(({ body: sent }) => sent["tools"] as { function: { name: string } }[]);
  const names = (request ?? []).map((tool) => tool.function.name);
  expect(names).toContain("wiki__echo");
  expect(names.filter((one) => one.startsWith("mail__"))).toEqual([]);
  const agent = () => local.local.js.objects.get("ArkAgent", { namespace: "default", name: "writer" });
  await expect
    .poll(async () => (await agent())?.status?.mcpServers, { timeout: 30_000 })
    .toMatchObject([
      { name: "wiki", healthy: true },
      { name: "mail", healthy: false, message: expect.stringContaining("does it accept the client certificate?") },
    ]);
  const told = JSON.stringify([await local.runs(), await agent(), lines, local.model.requests().at(-1)?.body]);
  for (const line of [right, wrong].flatMap(({ key }) => key.split("\n").slice(1, -2)))
    expect(told).not.toContain(line);
});
