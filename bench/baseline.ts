/** The bare nats-server under the same load as its users here: one file-backed stream, one pull consumer, one bucket. */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { startNats } from "../test/harness/nats.ts";
import { type Baseline, type Figure, figure } from "./figure.ts";

const ROUNDS = 500;
const WARM_UP = 50;
/** About what a fact weighs. */
const BODY = JSON.stringify({ kind: "step.finished", text: "x".repeat(400) });

export type Measured = { readonly baseline: Baseline; readonly figures: readonly Figure[] };

export async function measureBaseline(): Promise<Measured> {
  await using nats = await startNats();
  const { publishNext, kvUpdate } = await timesOf(await nats.connect());
  const figures = [
    figure("bare nats-server: publish + next", "ms", publishNext),
    figure("bare nats-server: KV update by revision", "ms", kvUpdate),
  ];
  return { baseline: { publishNextMs: figures[0]?.p50 ?? 0, kvUpdateMs: figures[1]?.p50 ?? 0 }, figures };
}

type Times = { readonly publishNext: readonly number[]; readonly kvUpdate: readonly number[] };

/** In milliseconds. Takes its stream and bucket away again. */
export async function timesOf(nc: NatsConnection): Promise<Times> {
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({
    name: "BENCH",
    subjects: ["bench.>"],
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
  });
  await jsm.consumers.add("BENCH", { durable_name: "bench", ack_policy: AckPolicy.Explicit });
  const consumer = await js.consumers.get("BENCH", "bench");
  const kv = await new Kvm(js).create("bench");
  let revision = await kv.put("key", BODY);

  const publishNext: number[] = [];
  const kvUpdate: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const waiting = consumer.next({ expires: 10_000 });
    const startedAt = performance.now();
    await js.publish("bench.one", BODY);
    const message = await waiting;
    const gotAt = performance.now();
    message?.ack();
    revision = await kv.update("key", BODY, revision);
    const updatedAt = performance.now();
    if (round < 0) continue;
    publishNext.push(gotAt - startedAt);
    kvUpdate.push(updatedAt - gotAt);
  }
  await jsm.streams.delete("BENCH");
  await jsm.streams.delete("KV_bench");
  return { publishNext, kvUpdate };
}
