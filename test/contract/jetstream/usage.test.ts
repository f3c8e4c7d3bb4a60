import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectStore, openStore } from "./open.ts";

let opened: Awaited<ReturnType<typeof openStore>>;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

const HOUR_MS = 3_600_000;
const now = 500_000 * HOUR_MS + 1;

test("U1: additions of many at once all count; other agents have their own", async () => {
  const { usage } = opened.store;
  const writer = { namespace: "ai", agent: "writer" };
  await Promise.all(Array.from({ length: 20 }, () => usage.add(writer, { inputTokens: 3, outputTokens: 2 }, now)));
  await usage.add({ namespace: "ai", agent: "editor" }, { inputTokens: 7, outputTokens: 0 }, now);
  expect(await usage.last24h(writer, now)).toEqual({ inputTokens: 60, outputTokens: 40 });
});

test("U3: what is added while a write is under way goes with the next one", async () => {
  const { streams } = await jetstreamManager(await opened.nats.connect());
  const written = async () => (await streams.info("KV_ark-budgets")).state.last_seq;
  const { usage } = opened.store;
  const agent = { namespace: "ai", agent: "busy" };
  const before = await written();
  const added = [usage.add(agent, { inputTokens: 1, outputTokens: 0 }, now)];
  await new Promise(setImmediate);
  for (let n = 0; n < 99; n += 1) added.push(usage.add(agent, { inputTokens: 1, outputTokens: 0 }, now));
  await Promise.all(added);
  expect((await usage.last24h(agent, now)).inputTokens).toBe(100);
  expect((await written()) - before).toBe(2);
});

test("U1: two processes that add in turn lose nothing, whatever each of them stored last", async () => {
  await using other = await connectStore(opened.nats);
  const agent = { namespace: "ai", agent: "shared" };
  for (let n = 0; n < 3; n += 1)
    for (const { usage } of [opened.store, other]) await usage.add(agent, { inputTokens: 1, outputTokens: 0 }, now);
  expect((await other.usage.last24h(agent, now)).inputTokens).toBe(6);
});

test("the window is this hour and the 23 before it", async () => {
  const { usage } = opened.store;
  const agent = { namespace: "ai", agent: "old" };
  await usage.add(agent, { inputTokens: 1, outputTokens: 0 }, now - 24 * HOUR_MS);
  await usage.add(agent, { inputTokens: 10, outputTokens: 0 }, now - 23 * HOUR_MS);
  await usage.add(agent, { inputTokens: 100, outputTokens: 0 }, now);
  expect((await usage.last24h(agent, now)).inputTokens).toBe(110);
  expect(await usage.last24h({ namespace: "ai", agent: "nobody" }, now)).toEqual({ inputTokens: 0, outputTokens: 0 });
});
