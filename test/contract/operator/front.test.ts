import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { serve } from "#platform/http/server.ts";
import { createFront } from "../../../operator/front/front.ts";
import { QUIET } from "./quiet.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startUpstream(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startFront(upstream: string, ready = () => true): Promise<string> {
  const front = createFront({ upstream, ready, log: QUIET });
  const serving = await serve(front.listener, { port: 0, host: "127.0.0.1" });
  cleanups.push(async () => {
    await serving.stop(0);
    front[Symbol.dispose]();
  });
  return serving.url;
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message) text += String(chunk);
  return text;
}

const echo: RequestListener = (asked, answer) => void echoed(asked, answer);

async function echoed(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const body = await bodyOf(asked);
  answer.writeHead(202, {
    "content-type": "application/json",
    location: "/runs/ns/r",
    connection: "x-hop",
    "x-hop": "1",
  });
  answer.end(JSON.stringify({ method: asked.method, url: asked.url, headers: asked.headers, body }));
}

test("F1: a request goes on whole, with the function's Host and the caller's address", async () => {
  const upstream = await startUpstream(echo);
  const front = await startFront(upstream);
  const response = await fetch(`${front}/triggers/ns/hook?mode=sync`, {
    method: "POST",
    headers: { authorization: "Bearer t", "idempotency-key": "k", "x-forwarded-for": "203.0.113.9" },
    body: "x".repeat(300_000),
  });
  expect(response.status).toBe(202);
  expect(response.headers.get("location")).toBe("/runs/ns/r");
  expect(response.headers.get("x-hop")).toBeNull();
  const seen = (await response.json()) as {
    method: string;
    url: string;
    body: string;
    headers: Record<string, string>;
  };
  expect(seen).toMatchObject({ method: "POST", url: "/triggers/ns/hook?mode=sync" });
  expect(seen.body).toHaveLength(300_000);
  expect(seen.headers).toMatchObject({
    host: new URL(upstream).host,
    authorization: "Bearer t",
    "idempotency-key": "k",
    "x-forwarded-for": "203.0.113.9, 127.0.0.1",
    "x-forwarded-host": new URL(front).host,
  });
});

test("F1: other paths are not the webhook function's", async () => {
  const front = await startFront(await startUpstream(() => expect.unreachable()));
  for (const path of ["/", "/wake", "/triggersX/ns/e", "/metrics"]) {
    const response = await fetch(`${front}${path}`, { method: "POST" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "not-found", status: 404 });
  }
  expect((await fetch(`${front}/healthz`)).status).toBe(200);
  expect((await fetch(`${front}/readyz`)).status).toBe(200);
  const unready = await startFront("http://127.0.0.1:9", () => false);
  expect((await fetch(`${unready}/readyz`)).status).toBe(503);
});

test("an answer streams: its first event is read before its last is written", async () => {
  let finish = () => {};
  const upstream = await startUpstream((_asked, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" }).write("event: run.started\n\n");
    finish = () => void answer.end("event: run.completed\n\n");
  });
  const response = await fetch(`${await startFront(upstream)}/runs/ns/r/events`);
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  expect(decoder.decode((await reader.read()).value)).toBe("event: run.started\n\n");
  finish();
  expect(decoder.decode((await reader.read()).value)).toBe("event: run.completed\n\n");
  expect((await reader.read()).done).toBe(true);
});

test("F2: a caller that goes away ends the function's request", async () => {
  let gone: () => void = () => {};
  const left = new Promise<void>((resolve) => (gone = resolve));
  const upstream = await startUpstream((_asked, answer) => {
    answer.writeHead(200).write("first\n");
    answer.on("close", () => gone());
  });
  const asked = request(`${await startFront(upstream)}/runs/ns/r`, (answer) =>
    answer.once("data", () => asked.destroy()),
  );
  asked.on("error", () => {});
  asked.end();
  await left;
});

test("F3: a function that cannot be reached is 503 with Retry-After", async () => {
  const front = await startFront("http://127.0.0.1:9");
  const response = await fetch(`${front}/triggers/ns/hook`, { method: "POST", body: "{}" });
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("5");
  expect(await response.json()).toMatchObject({ code: "not-ready" });
});
