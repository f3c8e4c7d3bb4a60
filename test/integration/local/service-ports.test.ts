/** D42: the ports that an ArkService declares lead to it, on one machine. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TaskState } from "@a2a-js/sdk";
import { a2aClient, a2aMessage } from "../../harness/a2a.ts";
import { freePorts } from "../../harness/free-ports.ts";
import { type Ark, startArk, until } from "../../harness/ark.ts";

const HOST = "127.0.0.1";

const service = (name: string, http: number, a2a?: number) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkService
metadata: { name: ${name} }
spec:
  selector: { arkAgent: writer }
  ports: [{ protocol: HTTP, port: ${http} }${a2a === undefined ? "" : `, { protocol: A2A, port: ${a2a} }`}]
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}-service-token }
stringData: { token: the-token-of-${name} }
`;
const AGENT = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write. }
`;

async function listening(): Promise<Server> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

let ark: Ark;
let http: number;
let a2a: number;
let moved: number;
let other: number;
beforeAll(async () => {
  [http = 0, a2a = 0, moved = 0, other = 0] = await freePorts(4);
  const rules = [{ answers: [{ text: "Once upon a time." }] }];
  const files = { "agent.yaml": AGENT, "writing.yaml": service("writing", http, a2a) };
  ark = await startArk(files, { rules }, undefined, {}, { opensPorts: true });
});
afterAll(() => ark[Symbol.asyncDispose]());

const headers = { authorization: "Bearer the-token-of-writing", "content-type": "application/json" };

const post = (port: number, path: string, body: unknown = { prompt: "Write." }, more: Record<string, string> = {}) =>
  fetch(`http://${HOST}:${port}${path}`, {
    method: "POST",
    headers: { ...headers, ...more },
    body: JSON.stringify(body),
  });

async function ready(name: string): Promise<string> {
  const object = await ark.local.js.objects.get("ArkService", { namespace: "default", name });
  const condition = object?.status?.conditions?.find(({ type }) => type === "Ready");
  return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
}

async function secondAfter(name: string): Promise<number> {
  const object = await ark.local.js.objects.get("ArkService", { namespace: "default", name });
  return Date.parse(object?.metadata.creationTimestamp ?? "") + 1_000;
}

const answers = async (port: number, token: string) =>
  post(port, "/", undefined, { authorization: `Bearer ${token}` }).then(
    ({ status }) => status,
    () => "refused",
  );

describe("the port of its HTTP API", () => {
  test("a documented POST works there", async () => {
    const response = await post(http, "/task");
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "succeeded", output: "Once upon a time." });
    expect(ark.local.openPorts()).toEqual([
      { namespace: "default", name: "writing", protocol: "HTTP", port: http },
      { namespace: "default", name: "writing", protocol: "A2A", port: a2a },
    ]);
  });

  test("the Location of a task that nobody waits for leads to it", async () => {
    const accepted = await post(http, "/?mode=async");
    expect(accepted.status).toBe(202);
    const location = new URL(accepted.headers.get("location") ?? "", `http://${HOST}:${http}`);
    const found = await fetch(new URL("?wait=50s", location), { headers });
    expect(await found.json()).toMatchObject({ status: "succeeded" });
    expect((await fetch(new URL(location.pathname, `http://${HOST}:${a2a}`), { headers })).status).toBe(404);
  });

  test("its token is wanted; no other protocol is spoken", async () => {
    expect(await answers(http, "wrong")).toBe(401);
    expect((await fetch(`http://${HOST}:${http}/.well-known/agent-card.json`)).status).toBe(404);
    const call = { jsonrpc: "2.0", id: 1, method: "message/send", params: {} };
    const response = await post(http, "/", call);
    expect([response.status, await response.json()]).toMatchObject([404, { code: "not-found" }]);
    // The header of a client changes nothing.
    expect((await post(http, "/", call, { "x-ark-protocol": "A2A" })).status).toBe(404);
  });
});

describe("the port of A2A", () => {
  test("the card names this very port, and a client that reads it is answered", async () => {
    const base = `http://${HOST}:${a2a}/`;
    const card = await (await fetch(`${base}.well-known/agent-card.json`)).json();
    expect(card).toMatchObject({ url: base });
    const client = await a2aClient(base, headers.authorization);
    const task = await client.sendMessage(a2aMessage("Write."));
    expect("status" in task && task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  });

  test("no task of Ark's own HTTP API is taken", async () => {
    expect((await post(a2a, "/task")).status).toBe(404);
  });
});

test("PortConflict: the older service has the port; the other one works but for that", async () => {
  // Of two of the same second the names would decide (N2).
  await until(async () => (Date.now() >= (await secondAfter("writing")) ? true : undefined), "the next second");
  await ark.write({ "second.yaml": service("second", other, a2a) });
  await until(async () => ((await ready("second")).includes("PortConflict") ? true : undefined), "the conflict");
  expect(await ready("second")).toBe(`False PortConflict: spec.ports[1].port: ArkService default/writing has ${a2a}`);
  expect(await answers(other, "the-token-of-second")).toBe(200);
  expect(await answers(a2a, "the-token-of-second")).toBe(401);
  expect(await ready("writing")).toContain("True Reconciled");
  const path = `${ark.local.url}/services/default/second`;
  const asked = { ...headers, authorization: "Bearer the-token-of-second" };
  const body = JSON.stringify({ prompt: "Write." });
  expect((await fetch(path, { method: "POST", headers: asked, body })).status).toBe(200);
});

test("a service that goes, or moves, frees its port for whoever waits for it", async () => {
  await ark.write({ "writing.yaml": service("writing", moved) });
  await until(async () => ((await ready("second")).includes("True Reconciled") ? true : undefined), "the port");
  expect(await answers(moved, "the-token-of-writing")).toBe(200);
  expect(await answers(http, "the-token-of-writing")).toBe("refused");
  const card = await fetch(`http://${HOST}:${a2a}/.well-known/agent-card.json`);
  expect(await card.json()).toMatchObject({ url: `http://${HOST}:${a2a}/` });
  const key = { namespace: "default", name: "second" };
  await ark.local.js.objects.delete("ArkService", key);
  await until(async () => ((await answers(other, "x")) === "refused" ? true : undefined), "the port closed");
});

test("a port that somebody else has is a PortConflict with the reason, until it is free", async () => {
  const squatter = await listening();
  const port = portOf(squatter);
  await ark.write({ "third.yaml": service("third", port) });
  await until(async () => ((await ready("third")).includes("PortConflict") ? true : undefined), "the conflict");
  expect(await ready("third")).toContain(`spec.ports[0].port: ${port} cannot be opened: listen EADDRINUSE`);
  squatter.close();
  await until(async () => ((await ready("third")).includes("True Reconciled") ? true : undefined), "the port");
  expect(await answers(port, "the-token-of-third")).toBe(200);
});

test("the server's own port is nobody's", async () => {
  const own = Number(new URL(ark.local.url).port);
  await ark.write({ "fourth.yaml": service("fourth", own) });
  await until(async () => ((await ready("fourth")).includes("PortConflict") ? true : undefined), "the conflict");
  expect(await ready("fourth")).toContain(`spec.ports[0].port: ${own} is this server's own`);
});
