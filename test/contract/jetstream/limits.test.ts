/** Nothing grows for ever: every stream and bucket of a provisioned server has the limits that are documented (D10, E21). */
import { readFile } from "node:fs/promises";
import { AckPolicy, DiscardPolicy, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUCKETS, STREAMS } from "#core/events/subjects.ts";
import { bucketStream, outputStream } from "#platform/jetstream/streams.ts";
import { openStore, type Opened } from "./open.ts";

const GIBIBYTE = 1024 ** 3;
const STORAGE_BYTES = 4 * GIBIBYTE;
const DAY_NANOS = 24 * 60 * 60 * 1e9;

let opened: Opened;
const configs = new Map<string, StreamConfig>();
beforeAll(async () => {
  opened = await openStore();
  await opened.store.provision({ storageBytes: STORAGE_BYTES });
  const manager = await jetstreamManager(await opened.nats.connect());
  for await (const { config } of manager.streams.list()) configs.set(config.name, config);
});
afterAll(() => opened[Symbol.asyncDispose]());

function configOf(name: string): StreamConfig {
  const config = configs.get(name);
  if (config === undefined) throw new Error(`no stream ${name}`);
  return config;
}

/** The table of docs/architecture.md: what it calls each store, and how long it says that things are kept. */
async function documented(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile("docs/architecture.md", "utf8");
  const [, section = ""] = text.split("\n## Streams and buckets");
  const rows = [...section.matchAll(/^\| `([\w-]+)` *\|[^|]*\|[^|]*\| *([^|]*?) *\|$/gm)];
  return new Map(rows.map(([, name = "", kept = ""]) => [name, kept]));
}

const streamOf = (store: string) => {
  if (store === BUCKETS.outputs) return outputStream();
  return store.startsWith("ark-") ? bucketStream(store) : store;
};

test("D10, E21: what is provisioned is what is documented, no more and no less", async () => {
  expect([...configs.keys()].toSorted()).toEqual([...(await documented()).keys()].map(streamOf).toSorted());
});

test("days that are documented are days of the stream, and each full work queue refuses", async () => {
  const ages: [string, number][] = [];
  for (const [store, kept] of await documented()) {
    const days = /^(\d+) days/.exec(kept)?.[1];
    if (days === undefined) continue;
    const config = configOf(streamOf(store));
    ages.push([store, Number(days)]);
    // A text is renewed while its age is below its last days.
    const slack = store === BUCKETS.outputs ? 10 : 0;
    expect(config.max_age / DAY_NANOS, store).toBe(Number(days) + slack);
    const isMessages = store === store.toUpperCase();
    if (isMessages) expect(config.discard === DiscardPolicy.New, store).toBe(kept.includes("refuses"));
  }
  expect(ages.map(([store]) => store)).toEqual(expect.arrayContaining([STREAMS.facts, STREAMS.tasks, STREAMS.dlq]));
});

describe.each(Object.values(STREAMS))("stream %s", (name) => {
  test("has an age; and a share of the disk, but for the record and its timers, which have what is left", () => {
    const { max_age, max_bytes } = configOf(name);
    expect(max_age).toBeGreaterThan(0);
    expect(max_bytes > 0).toBe(name !== STREAMS.facts && name !== STREAMS.timers);
  });
});

describe.each(Object.values(BUCKETS))("store %s", (name) => {
  test("has one value for each key, a share of the disk, and refuses rather than to drop what stands", () => {
    const { max_bytes, max_msgs_per_subject, discard } = configOf(streamOf(name));
    expect(max_msgs_per_subject).toBe(1);
    expect(max_bytes).toBeGreaterThan(0);
    expect(discard).toBe(DiscardPolicy.New);
  });
});

test("the shares leave the record a third of the disk", () => {
  const taken = [...configs.values()].reduce((sum, { max_bytes }) => sum + Math.max(0, max_bytes), 0);
  expect(taken).toBeLessThan((STORAGE_BYTES * 2) / 3);
});

test("what is delivered and not settled is bounded at each durable consumer", async () => {
  await opened.store.taskQueues.open({ namespace: "default", agent: "writer" });
  const manager = await jetstreamManager(await opened.nats.connect());
  const names: string[] = [];
  for (const stream of configs.keys())
    for await (const { name, config } of manager.consumers.list(stream)) {
      names.push(name);
      // What the record takes from its timers is a consumer of the server's own, which settles in order.
      if (config.ack_policy === AckPolicy.Explicit) expect(config.max_ack_pending, name).toBeGreaterThan(0);
      else expect(config.durable_name, name).toBeUndefined();
    }
  expect(names).toEqual(expect.arrayContaining(["collector", "relay", "default_writer"]));
});
