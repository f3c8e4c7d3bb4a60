/**
 * A broker as Knative's in-memory one behaves: it answers 202, then delivers each event again and again until its one
 * subscriber has taken it. What it holds when it ends is lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { IncomingHttpHeaders } from "node:http";
import { startHttp, type TestHttp } from "./http.ts";

export type TestBroker = TestHttp & {
  /** Headers of the events it took, in order. */
  received(): readonly Readonly<Record<string, string>>[];
  /** Where events go; may change while events wait. */
  subscribe(url: () => string): void;
};

const AGAIN_MS = 50;
const TIMEOUT_MS = 10_000;

export async function startBroker(): Promise<TestBroker> {
  const stop = new AbortController();
  const delivering = new Set<Promise<void>>();
  const received: Record<string, string>[] = [];
  let subscriber = (): string => "";

  const deliver = async (headers: Record<string, string>, body: Buffer): Promise<void> => {
    while (!stop.signal.aborted) {
      if (await taken(subscriber(), headers, body, stop.signal)) return;
      await delay(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  };
  const server = await startHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = eventHeaders(request.headers);
      received.push(headers);
      const delivery = deliver(headers, Buffer.concat(chunks)).finally(() => delivering.delete(delivery));
      delivering.add(delivery);
      response.writeHead(202).end();
    });
  });
  return {
    url: server.url,
    received: () => received,
    subscribe: (url) => void (subscriber = url),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([server[Symbol.asyncDispose](), ...delivering]);
    },
  };
}

async function taken(url: string, headers: Record<string, string>, body: Buffer, stop: AbortSignal): Promise<boolean> {
  if (url === "") return false;
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { method: "POST", headers, body: new Uint8Array(body), signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function eventHeaders(given: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if ((name.startsWith("ce-") || name === "content-type") && typeof value === "string") kept[name] = value;
  }
  return kept;
}
