/** MCP servers that ask for a client certificate: the real reference server behind real TLS (D27). */
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClientTls } from "#core/agent/task.ts";
import { joinTools, type ServerHealth, type ToolServer } from "#core/agent/toolbox.ts";
import { createMcpServers } from "#platform/mcp/mcp.ts";
import { authority } from "../harness/certificates.ts";
import { startMcp } from "../harness/mcp.ts";
import { startTlsGuard } from "../harness/tls-guard.ts";

const never = new AbortController().signal;
const key = { idempotencyKey: "task/0/0" };
const ours = authority("ours");
const theirs = authority("theirs");
const right = ours.issue("agent");
/** The server is trusted; the client is nobody's. */
const wrong: ClientTls = { ...theirs.issue("agent"), ca: ours.ca };

function client(url: string, tls?: ClientTls): ToolServer {
  const one = { name: "wiki", url, headers: {}, timeoutMs: 20_000 };
  const [server] = createMcpServers([tls === undefined ? one : { ...one, tls }], { redialMs: 0 });
  onTestFinished(() => server!.close());
  return server!;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.each(["streamableHttp", "sse"] as const)("the real reference server over %s", (transport) => {
  test("with the right certificate tools are listed and called, each request over it", async () => {
    await using mcp = await startMcp({ transport });
    await using guard = await startTlsGuard(mcp.port, ours.issue("server"));
    const { pathname } = new URL(mcp.url);
    const server = client(`https://127.0.0.1:${guard.port}${pathname}`, right);
    const listed = await server.list(never);
    expect(listed).toMatchObject({
      kind: "tools",
      tools: expect.arrayContaining([expect.objectContaining({ name: "echo" })]),
    });
    const texts = await Promise.all(["a", "b"].map((message) => server.call("echo", { message }, key, never)));
    expect(texts.map(({ text }) => text)).toEqual(["Echo: a", "Echo: b"]);
    expect(new Set(guard.seen)).toEqual(new Set(["agent"]));
    await server.close();
    // Usable again after a close, over connections of its own.
    expect(await server.call("echo", { message: "c" }, key, never)).toMatchObject({ text: "Echo: c" });
  });
});

test("a wrong certificate costs that server's tools only, and the reason shows no key", async () => {
  await using mcp = await startMcp();
  await using guard = await startTlsGuard(mcp.port, ours.issue("server"));
  const at = { url: `https://localhost:${guard.port}/mcp`, headers: {}, timeoutMs: 20_000 };
  const servers = createMcpServers([
    { ...at, name: "wrong", tls: wrong },
    { ...at, name: "mixed", tls: { ...wrong, key: right.key } },
    { ...at, name: "broken", tls: { ...right, cert: "-----BEGIN CERTIFICATE-----" } },
    { ...at, name: "untrusted", tls: { cert: right.cert, key: right.key } },
    { ...at, name: "plain", url: mcp.url, tls: right },
    { ...at, name: "right", tls: right },
  ]);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))));
  const seen: ServerHealth[] = [];
  const tools = joinTools(servers, [], (found) => seen.push(...found));
  const names = (await tools.list(never)).map(({ name }) => name);
  expect(names).toContain("right__echo");
  expect(names.filter((name) => !name.startsWith("right__"))).toEqual([]);
  expect(seen).toMatchObject([
    { name: "wrong", healthy: false, message: expect.stringContaining("does it accept the client certificate?") },
    {
      name: "mixed",
      healthy: false,
      message: expect.stringMatching(/^the client certificate cannot be used: .*mismatch/),
    },
    { name: "broken", healthy: false, message: expect.stringMatching(/^the client certificate cannot be used: /) },
    { name: "untrusted", healthy: false, message: "self-signed certificate in certificate chain" },
    { name: "plain", healthy: false, message: "a client certificate needs an https url" },
    { name: "right", healthy: true },
  ]);
  const body = right.key.split("\n")[1] ?? "";
  expect(body.length).toBe(64);
  expect(JSON.stringify(seen)).not.toContain(body);
});

test("who shows no certificate where one is asked for is not let in", async () => {
  await using mcp = await startMcp();
  await using guard = await startTlsGuard(mcp.port, ours.issue("server"));
  const trusted = getCACertificates("default");
  setDefaultCACertificates([ours.ca]);
  onTestFinished(() => setDefaultCACertificates(trusted));
  const listed = await client(`https://127.0.0.1:${guard.port}/mcp`).list(never);
  expect(listed).toMatchObject({
    kind: "unreachable",
    reason: expect.stringMatching(/closed|disconnected|ECONNRESET/),
  });
  expect(guard.seen).toEqual([]);
});

test.each([
  ["bad_certificate", 42, true],
  ["certificate_revoked", 44, true],
  ["certificate_expired", 45, true],
  ["unknown_ca", 48, true],
  ["access_denied", 49, true],
  ["certificate_required", 116, true],
  ["protocol_version", 70, false],
])("a handshake that ends with the alert %s", async (_name, code, isAuth) => {
  const port = await portOf(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, code])));
    }),
  );
  const listed = await client(`https://127.0.0.1:${port}/mcp`, right).list(never);
  expect(listed.kind === "unreachable" && listed.reason.startsWith("AuthFailed: ")).toBe(isAuth);
  expect(listed).toMatchObject({ kind: "unreachable", reason: expect.stringMatching(/alert/i) });
});

test.each(["No required SSL certificate was sent", "The SSL certificate error"])(
  "a server that lets the handshake pass and answers 400 %j",
  async (words) => {
    const { cert, key: serverKey } = ours.issue("server");
    const page = `<html><body><h1>400 Bad Request</h1><center>${words}</center><hr>nginx</body></html>`;
    const server = createHttpsServer({ cert, key: serverKey }, (request, response) => {
      request.resume();
      response.writeHead(400, { "content-type": "text/html" }).end(page);
    });
    const listed = await client(`https://127.0.0.1:${await portOf(server)}/mcp`, wrong).list(never);
    expect(listed).toEqual({ kind: "unreachable", reason: "AuthFailed: the server refused the client certificate" });
  },
);
