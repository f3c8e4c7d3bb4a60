/** Requests that pass the front door, on a real store: which of them say that an event is about to fire. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TriggerRecord } from "#core/ports/events.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import { createForetelling } from "../../../operator/front/foretell.ts";
import { createFront } from "../../../operator/front/front.ts";
import { startHttp } from "../../harness/http.ts";
import { type Opened, openStore } from "../jetstream/open.ts";
import { QUIET } from "./quiet.ts";

const TOKEN = "correct-horse-battery-staple";
const POLL = { timeout: 60_000, interval: 10 };

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

const trigger = (name: string, more: Partial<TriggerRecord> = {}): TriggerRecord => ({
  namespace: "ai",
  name,
  uid: `uid-${name}`,
  generation: 1,
  type: "webhook",
  tokenDigest: `sha256:${createHash("sha256").update(TOKEN).digest("hex")}`,
  suspended: false,
  concurrencyPolicy: "Allow",
  targets: [],
  ...more,
});

/** A front door whose webhook function answers 202, and what was told. */
async function startFront(perSecond = 1_000) {
  const { store } = opened;
  const upstream = await startHttp((asked, answer) => void asked.resume().on("end", () => answer.writeHead(202).end()));
  const now = performance.now();
  const front = createFront({
    upstream: upstream.url,
    services: { get: () => Promise.resolve(undefined) },
    routerUrl: () => expect.unreachable(),
    record: () => expect.unreachable(),
    foretell: createForetelling({
      triggers: store.triggers,
      hints: store.fireHints,
      authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
      quiet: createRateLimit({ perSecond, burst: perSecond < 1 ? 1 : perSecond, maxKeys: 10, now: () => now }),
      log: QUIET,
    }),
    ready: () => true,
    log: QUIET,
  });
  const serving = await serve(front.listener, { port: 0, host: "127.0.0.1" });
  const stop = new AbortController();
  const told: string[] = [];
  const hearing = (async () => {
    for await (const { namespace, event } of store.fireHints.watch(stop.signal)) told.push(`${namespace}/${event}`);
  })();
  // What is heard of this one shows that the subscription stands.
  await expect
    .poll(() => (store.fireHints.send({ namespace: "ai", event: "listening" }), told.length), POLL)
    .toBeGreaterThan(0);
  return {
    told: () => told.filter((one) => one !== "ai/listening"),
    async post(path: string, token?: string, method = "POST"): Promise<number> {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await fetch(`${serving.url}${path}`, { method, headers })).status;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await hearing;
      await serving.stop(0);
      front[Symbol.dispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("T1: a fire with the right token is told; none without, of another type, suspended or unknown, and all pass on", async () => {
  await using front = await startFront();
  const { triggers } = opened.store;
  await triggers.put(trigger("order"));
  await triggers.put(trigger("late", { suspended: true }));
  await triggers.put(trigger("tick", { type: "cron" }));
  const silent: Parameters<typeof front.post>[] = [
    ["/triggers/ai/order"],
    ["/triggers/ai/order", "wrong"],
    ["/triggers/ai/late", TOKEN],
    ["/triggers/ai/tick", TOKEN],
    ["/triggers/ai/unknown", TOKEN],
    ["/triggers/ai/order/more", TOKEN],
    ["/triggers/ai.order/*", TOKEN],
    ["/triggers/ai/order", TOKEN, "GET"],
  ];
  for (const one of silent) expect(await front.post(...one)).toBe(202);
  // Told in the order of the looks at the record, which began in the order of the requests.
  expect(await front.post("/triggers/ai/order?mode=sync", TOKEN)).toBe(202);
  await expect.poll(front.told, POLL).toEqual(["ai/order"]);
  expect(await front.post("/triggers/ai/order/fire", TOKEN)).toBe(202);
  await expect.poll(front.told, POLL).toEqual(["ai/order", "ai/order"]);
});

test("T1: one event is told once in a while, however often it is fired; another one is told as well", async () => {
  await using front = await startFront(0.2);
  const { triggers } = opened.store;
  await triggers.put(trigger("busy"));
  await triggers.put(trigger("other"));
  for (let n = 0; n < 20; n++) expect(await front.post("/triggers/ai/busy", TOKEN)).toBe(202);
  expect(await front.post("/triggers/ai/other", TOKEN)).toBe(202);
  await expect.poll(front.told, POLL).toEqual(["ai/busy", "ai/other"]);
});
