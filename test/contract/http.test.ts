/** `platform/http` over real sockets: what every server of ours promises, whatever its routes do. */
import { once } from "node:events";
import * as net from "node:net";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { createApp, type AppOptions } from "#platform/http/app.ts";
import type { Route, SseEvent } from "#platform/http/exchange.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import { Lock } from "../harness/lock.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };

const echo: Route = {
  method: "POST",
  path: "/echo/:name",
  handle: async (request) => {
    const body = await request.body();
    if (body.kind !== "read") return { kind: "problem", status: 400, code: body.kind, detail: body.kind };
    return { kind: "json", status: 200, body: { name: request.params["name"], bytes: body.bytes.length } };
  },
};

async function start(
  options: Partial<AppOptions>,
  server: Partial<Parameters<typeof serve>[1]> = {},
): Promise<Serving> {
  const app = createApp({ routes: [echo], ready: () => true, log: quiet, ...options });
  return serve(app, { port: 0, host: "127.0.0.1", ...server });
}

/** All that the server says to `text` until it closes the connection. */
async function raw(serving: Serving, text: string): Promise<string> {
  const socket = net.connect(serving.port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  await once(socket, "close");
  return answer;
}

test("routes, 404 and 405 with Allow, as problem+json", async () => {
  await using serving = await start({});
  const ok = await fetch(`${serving.url}/echo/a`, { method: "POST", body: "12345" });
  expect([ok.status, await ok.json()]).toEqual([200, { name: "a", bytes: 5 }]);
  expect(ok.headers.get("x-content-type-options")).toBe("nosniff");
  expect(ok.headers.get("x-powered-by")).toBeNull();
  const missing = await fetch(`${serving.url}/nothing`);
  expect(missing.headers.get("content-type")).toContain("application/problem+json");
  expect(await missing.json()).toEqual({
    type: "https://ark.dev/problems/not-found",
    title: "Not found",
    status: 404,
    detail: "No such path.",
    instance: "/nothing",
    code: "not-found",
  });
  const method = await fetch(`${serving.url}/echo/a`, { method: "DELETE" });
  expect([method.status, method.headers.get("allow")]).toEqual([405, "POST"]);
  expect((await fetch(`${serving.url}/echo/%zz`, { method: "POST" })).status).toBe(404);
});

test("health answers without detail; readiness follows the store", async () => {
  let ready = false;
  await using serving = await start({ ready: () => ready });
  expect((await fetch(`${serving.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${serving.url}/readyz`)).status).toBe(503);
  ready = true;
  expect((await fetch(`${serving.url}/readyz`)).status).toBe(200);
  await using broken = await start({ ready: () => Promise.reject(new Error("secret detail")) });
  const answer = await fetch(`${broken.url}/readyz`);
  expect([answer.status, await answer.text()]).toEqual([503, "not ready\n"]);
});

test("B1, B2: a body above the limit is refused, declared or chunked, and the connection's next request works", async () => {
  await using serving = await start({ maxBodyBytes: 1000 });
  const declared = await fetch(`${serving.url}/echo/a`, { method: "POST", body: "x".repeat(1001) });
  expect(await declared.json()).toMatchObject({ code: "too-large" });
  const chunked = await fetch(`${serving.url}/echo/a`, {
    method: "POST",
    body: new Blob(["x".repeat(600), "y".repeat(600)]).stream(),
    duplex: "half",
  } as RequestInit);
  expect(await chunked.json()).toMatchObject({ code: "too-large" });
  const next = await fetch(`${serving.url}/echo/a`, { method: "POST", body: "x".repeat(1000) });
  expect(await next.json()).toEqual({ name: "a", bytes: 1000 });
});

test("D38: a slow body is refused when its time is over, and V2 the connection ends after it", async () => {
  await using serving = await start({ bodyTimeoutMs: 50 });
  const answer = await raw(serving, "POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12");
  expect(answer).toContain('"code":"slow"');
});

test("E12, V2: requests that are answered before their body has come leave nothing on their connection", async () => {
  await using serving = await start({});
  const warnings: string[] = [];
  const note = ({ name }: Error) => void warnings.push(name);
  process.on("warning", note);
  const socket = net.connect(serving.port, "127.0.0.1");
  for (let n = 0; n < 30; n++) {
    socket.write("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 404 /);
    socket.write("}");
  }
  socket.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

test("V1: slow headers 408, too many 431, no HTTP 400", async () => {
  await using serving = await start({}, { headersTimeoutMs: 100, requestTimeoutMs: 100 });
  expect(await raw(serving, "GET / HTTP/1.1\r\nHo")).toMatch(/^HTTP\/1.1 408 /);
  expect(await raw(serving, `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
  expect(await raw(serving, "what is this\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
});

test("H1: a handler that throws answers 500 without detail and is logged", async () => {
  const logged: string[] = [];
  const log: Logger = { ...quiet, error: (_fields, message) => void logged.push(message) };
  const bad: Route = { method: "GET", path: "/bad", handle: () => Promise.reject(new Error("secret detail")) };
  await using serving = await start({ routes: [bad], log });
  const answer = await fetch(`${serving.url}/bad`);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("secret");
  expect(logged).toEqual(["request failed"]);
});

test("V3: stop lets an open request finish, refuses new ones, and ends what outlives the grace", async () => {
  const entered = new Lock(1);
  const free = new Lock(1);
  const held: Route = {
    method: "GET",
    path: "/held",
    handle: async () => {
      entered.unlock();
      await free.done;
      return { kind: "json", status: 200, body: {} };
    },
  };
  const serving = await start({ routes: [held] });
  const open = fetch(`${serving.url}/held`);
  await entered.done;
  const stopped = serving.stop(30_000);
  await expect(fetch(`${serving.url}/healthz`)).rejects.toThrow();
  free.unlock();
  expect((await open).status).toBe(200);
  await stopped;

  const forever = new Lock(1);
  const hanging: Route = {
    method: "GET",
    path: "/",
    handle: (request) => {
      forever.unlock();
      return new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(new Error("gone"))));
    },
  };
  const second = await start({ routes: [hanging] });
  const cut = fetch(second.url);
  cut.catch(() => {});
  await forever.done;
  await second.stop(10);
  await expect(cut).rejects.toThrow();
});

test("SSE: events arrive as they happen, with ids; a client that goes closes the source", async () => {
  const closed = new Lock(1);
  async function* source(): AsyncGenerator<SseEvent> {
    try {
      yield { event: "one", id: "1", data: { text: "line\nbreak" } };
      await new Promise<void>((resolve) => gone?.addEventListener("abort", () => resolve()));
      yield { event: "late", data: null };
    } finally {
      closed.unlock();
    }
  }
  let gone: AbortSignal | undefined;
  const stream: Route = {
    method: "GET",
    path: "/stream",
    handle: async (request) => {
      gone = request.signal;
      return { kind: "sse", events: source() };
    },
  };
  await using serving = await start({ routes: [stream] });
  const client = new AbortController();
  const answer = await fetch(`${serving.url}/stream`, { signal: client.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const reader = answer.body!.getReader();
  const first = await reader.read();
  expect(new TextDecoder().decode(first.value)).toBe('id: 1\nevent: one\ndata: {"text":"line\\nbreak"}\n\n');
  client.abort();
  await closed.done;
});
