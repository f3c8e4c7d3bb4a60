/** The webhook function as a process of its own, under requests that nobody should send. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import * as net from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tokenDigest } from "#platform/http/bearer.ts";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import { startNats, type TestNats } from "../harness/nats.ts";
import { startProcess, type TestProcess } from "../harness/process.ts";

const TOKEN = "a-token-that-no-log-may-show";
const AT_ONCE = 50;
const MAX_GROWTH_MB = 32;

test(
  "E12, D38: 10,000 bad requests leave memory where it was, nothing fired, and the server answering",
  { timeout: 180_000 },
  async () => {
    await using nats = await startNats();
    await using js = await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(60_000) });
    await js.provision();
    await trigger(js);
    await using webhook = await startWebhook(nats);
    await flood(webhook, 2_000);
    const before = await residentMb(webhook);
    const statuses = await flood(webhook, 10_000);
    const after = await residentMb(webhook);
    expect(Object.fromEntries(statuses)).toEqual({ 401: 4_000, 400: 3_000, 413: 2_000, 408: 1_000 });
    expect(after - before).toBeLessThan(MAX_GROWTH_MB);
    expect(await stored(nats)).toBe(0);
    expect((await fire(webhook, `Bearer ${TOKEN}`, "{}")).status).toBe(202);
    expect(await stored(nats)).toBe(1);
    expect(webhook.output()).not.toContain(TOKEN);
    expect(await webhook.stop()).toBe(0);
  },
);

test("D38: slow headers do not hold the server: a good request passes beside 500 of them", async () => {
  await using nats = await startNats();
  await using js = await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(60_000) });
  await js.provision();
  await trigger(js);
  await using webhook = await startWebhook(nats);
  const sockets = await Promise.all(
    Array.from({ length: 500 }, async () => {
      const socket = net.connect(Number(new URL(webhook.url).port), "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect");
      socket.write("POST /triggers/default/greet HTTP/1.1\r\nHost: x\r\nX-Slow: ");
      return socket;
    }),
  );
  expect((await fire(webhook, `Bearer ${TOKEN}`, "{}")).status).toBe(202);
  for (const socket of sockets) socket.destroy();
  expect(await webhook.stop()).toBe(0);
});

function startWebhook(nats: TestNats): Promise<TestProcess> {
  return startProcess({
    entry: "functions/webhook/main.ts",
    env: {
      ARK_NATS_URL: nats.url,
      // A heap that is small from the start: what grows past it is kept, not merely not collected yet.
      NODE_OPTIONS: "--max-old-space-size=64 --max-semi-space-size=4",
      HOST: "127.0.0.1",
      PORT: "0",
      ARK_BODY_SECONDS: "0.25",
      ARK_GRACE_SECONDS: "1",
      ARK_RATE_PER_EVENT: "100000",
      ARK_RATE_TOTAL: "100000",
    },
  });
}

function trigger(js: JetStream): Promise<void> {
  return js.triggers.put({
    namespace: "default",
    name: "greet",
    uid: "uid-greet",
    generation: 1,
    type: "webhook",
    tokenDigest: tokenDigest(TOKEN),
    suspended: false,
    concurrencyPolicy: "Allow",
    targets: [{ team: "blog", hasInput: false }],
  });
}

/** Of ten requests four with a wrong token, three with bad JSON, two too large, one whose body never ends. */
async function flood(webhook: TestProcess, count: number): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const status = await bad(webhook, next++ % 10);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return statuses;
}

async function bad(webhook: TestProcess, kind: number): Promise<number> {
  if (kind < 4) return (await fire(webhook, `Bearer wrong-${kind}`, `{"n": ${"1".repeat(1_000)}}`)).status;
  if (kind < 7) return (await fire(webhook, `Bearer ${TOKEN}`, '{"topic": rain'.padEnd(5_000))).status;
  // Neither body is ever sent whole.
  return raw(webhook, kind < 9 ? 50_000_000 : 100);
}

async function fire(webhook: TestProcess, authorization: string, body: string): Promise<Response> {
  const headers = { authorization, "content-type": "application/json" };
  const response = await fetch(`${webhook.url}/triggers/default/greet`, { method: "POST", headers, body });
  await response.arrayBuffer();
  return response;
}

/** The status that the server gives to a body of `declared` bytes of which only a few arrive. */
async function raw(webhook: TestProcess, declared: number): Promise<number> {
  const socket = net.connect(Number(new URL(webhook.url).port), "127.0.0.1");
  socket.write(
    `POST /triggers/default/greet HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${declared}\r\n\r\n{"a":`,
  );
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1.1 (\d{3})/.exec(chunk.toString())?.[1]);
}

async function stored(nats: TestNats): Promise<number | undefined> {
  return (await nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages;
}

/** From /proc where there is one: small machines have no `ps`. */
async function residentMb({ pid }: TestProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const fromProc = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const kilobytes = fromProc ?? (await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)])).stdout;
  return Number(kilobytes) / 1_024;
}
