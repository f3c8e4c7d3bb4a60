import { request, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { serve } from "#platform/http/server.ts";
import { createFront, type FrontOptions } from "../../../operator/front/front.ts";
import { startHttp } from "../../harness/http.ts";
import { QUIET } from "./quiet.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startUpstream(listener: RequestListener): Promise<string> {
  const { url, [Symbol.asyncDispose]: end } = await startHttp(listener);
  cleanups.push(end);
  return url;
}

/** No service is known, and nobody reads a record. */
const NONE: Pick<FrontOptions, "services" | "routerUrl" | "record"> = {
  record: () => expect.unreachable(),
  services: { get: () => Promise.resolve(undefined) },
  routerUrl: () => expect.unreachable(),
};

async function startFront(upstream: string, ready = () => true, options: Partial<FrontOptions> = {}): Promise<string> {
  const front = createFront({ ...NONE, ...options, upstream, ready, log: QUIET });
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

/** Of a path as it stands: `fetch` would tidy it up. */
function statusOf(front: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(front);
    request({ hostname, port, path, agent: false }, (answer) => resolve(answer.resume().statusCode))
      .on("error", reject)
      .end();
  });
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
    expect(await response.json()).toMatchObject({ code: "not-found", status: 404, title: "Not found", instance: path });
  }
  expect(await statusOf(front, "//")).toBe(404);
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

test("F2: an answer that breaks off is broken off for the caller too", async () => {
  const upstream = await startUpstream((_asked, answer) => {
    answer.writeHead(200).write("first\n", () => answer.destroy());
  });
  const response = await fetch(`${await startFront(upstream)}/runs/ns/r`);
  await expect(response.text()).rejects.toThrow();
});

test("F2: a function that says nothing for too long is given up", async () => {
  const upstream = await startUpstream(() => {});
  const front = await startFront(upstream, () => true, { silenceMs: 50 });
  expect((await fetch(`${front}/triggers/ns/hook`, { method: "POST", body: "{}" })).status).toBe(503);
});

test("X3: an answer without a body yet is there", async () => {
  let finish = () => {};
  const upstream = await startUpstream((_asked, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    finish = () => void answer.end();
  });
  const response = await fetch(`${await startFront(upstream)}/runs/ns/r/events`);
  expect(response.status).toBe(200);
  finish();
  expect(await response.text()).toBe("");
});

const record = {
  namespace: "ns",
  name: "writing",
  uid: "u",
  generation: 1,
  agent: "writer",
  strategy: "random",
  protocols: ["HTTP"],
  tokenDigest: "sha256:0",
} as const;

test("F4: a task reaches the router of its service by its path; what is no service is 401 for everybody", async () => {
  const router = await startUpstream(echo);
  const front = await startFront("http://127.0.0.1:9", () => true, {
    services: { get: async (namespace, name) => (namespace === "ns" && name === "writing" ? record : undefined) },
    routerUrl: ({ namespace, name }) => {
      expect(`${namespace}/${name}`).toBe("ns/writing");
      return router;
    },
  });
  const post = (path: string) => fetch(`${front}${path}`, { method: "POST", body: "{}" });
  const taken = await post("/services/ns/writing/task?mode=async");
  expect(taken.status).toBe(202);
  expect(await taken.json()).toMatchObject({
    url: "/services/ns/writing/task?mode=async",
    headers: { host: new URL(router).host, "x-forwarded-host": new URL(front).host, "x-forwarded-proto": "http" },
  });
  for (const path of ["/services/ns/other", "/services/ns/kube-dns.kube-system/x"]) {
    const refused = await post(path);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
  }
  expect((await post("/services/ns")).status).toBe(404);
});

test("F5: who comes by a path is at no port of its own, whatever it says", async () => {
  const router = await startUpstream(echo);
  const services = { get: async () => record };
  const front = await startFront("http://127.0.0.1:9", () => true, { services, routerUrl: () => router });
  const headers = { "x-ark-protocol": "A2A" };
  const response = await fetch(`${front}/services/ns/writing`, { method: "POST", headers, body: "{}" });
  expect(((await response.json()) as { headers: object }).headers).not.toHaveProperty("x-ark-protocol");
});

test("F3: a function that cannot be reached is 503 with Retry-After", async () => {
  const front = await startFront("http://127.0.0.1:9");
  const response = await fetch(`${front}/triggers/ns/hook`, { method: "POST", body: "{}" });
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("5");
  expect(await response.json()).toMatchObject({ code: "not-ready", instance: "/triggers/ns/hook" });
});
