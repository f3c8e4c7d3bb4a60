import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StepFinished, StepTurn } from "#core/events/facts.ts";
import { type FactLog, StoreUnavailable } from "#core/ports/record.ts";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { aRun, collect, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

const key = { step: "write", iteration: 0, attempt: 0 };
const done: StepFinished = {
  kind: "step.finished",
  at: 5,
  ...key,
  outcome: { kind: "done", output: { inline: "Grüße 🌍" } },
};
const turn = (index: number): StepTurn => ({
  kind: "step.turn",
  at: index,
  ...key,
  turn: index,
  usage: { inputTokens: 1, outputTokens: 2 },
  model: "m",
  record: { inline: "{}" },
});

test("F1 P2: a fact is stored once under its id, and its sequence comes back for the duplicate", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  const first = await factLog.publish(run, turn(0));
  expect(first.kind).toBe("stored");
  expect(await factLog.publish(run, turn(0))).toEqual({ kind: "duplicate", seq: first.seq });
});

test("F1 P2 D2: a second result of an attempt is refused for good, under any message id", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  const first = await factLog.publish(run, done);
  const other = { ...done, outcome: { kind: "done", output: { inline: "other" } } } as const;
  expect(await factLog.publish({ ...run, uid: "another-uid" }, other)).toEqual({ kind: "duplicate", seq: first.seq });
  expect((await factLog.finished(run, key))?.fact).toEqual(done);
});

test("F1 P3: an attempt begins once for good, under any message id: who tells it second looks for turns", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  const started = { kind: "step.started", at: 1, ...key, instance: "a" } as const;
  const first = await factLog.publish(run, started);
  expect(first.kind).toBe("stored");
  const second = await factLog.publish({ ...run, uid: "another-uid" }, { ...started, instance: "b" });
  expect(second).toEqual({ kind: "duplicate", seq: first.seq });
});

test("finished: the result of the attempt asked for, and of no other", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  expect(await factLog.finished(run, key)).toBeUndefined();
  const { seq } = await factLog.publish(run, done);
  expect(await factLog.finished(run, key)).toEqual({ ...run, seq, fact: done });
  expect(await factLog.finished(run, { ...key, attempt: 1 })).toBeUndefined();
  expect(await factLog.finished(run, { ...key, iteration: 1 })).toBeUndefined();
});

test("P3: turns come back in order; more than one page of them; the history has all facts", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  const indexes = Array.from({ length: 300 }, (_, index) => index);
  for (const index of indexes) await factLog.publish(run, turn(index));
  await factLog.publish(run, { ...turn(0), attempt: 1 });
  await factLog.publish(run, done);
  const turns = await factLog.turns(run, key);
  expect(turns.map(({ fact }) => (fact as StepTurn).turn)).toEqual(indexes);
  const history = [];
  for await (const stored of factLog.history(run)) history.push(stored);
  expect(history).toHaveLength(302);
  expect(history.at(-1)?.fact).toEqual(done);
  const seqs = history.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
});

test("F2: a reader and a watcher that are slow hold what is documented of a long record, and get all of it", async () => {
  const run = aRun();
  const [facts, bytes] = [60, 100 * 1024];
  for (let index = 0; index < facts; index += 1) {
    const record = { inline: "x".repeat(bytes) };
    await opened.store.factLog.publish(run, { ...turn(index), record });
  }
  const sent = async (name: string) => {
    const { connections } = await opened.nats.monitor.connz();
    return connections.find((one) => one.name === name)?.out_bytes ?? 0;
  };
  const readings = {
    reader: { most: 256 * 1024 + 2 * bytes, read: (log: FactLog) => log.history(run) },
    watcher: { most: 9 * bytes, read: (log: FactLog, signal: AbortSignal) => log.watch(run, { signal }) },
  };
  for (const [name, { most, read }] of Object.entries(readings)) {
    const reader = await connectStore(opened.nats, { name });
    const end = new AbortController();
    const seen: number[] = [];
    for await (const { fact } of read(reader.factLog, end.signal)) {
      seen.push((fact as StepTurn).turn);
      if (seen.length === 1) {
        // What is on its way to it arrives before this answer.
        await reader.factLog.finished(run, key);
        expect(await sent(name), name).toBeLessThan(most);
      }
      if (seen.length === facts) end.abort();
    }
    expect(seen, name).toEqual(Array.from({ length: facts }, (_, index) => index));
    await reader.close();
  }
});

test("an empty history ends by itself", async () => {
  const found = [];
  for await (const stored of opened.store.factLog.history(aRun())) found.push(stored);
  expect(found).toEqual([]);
});

test("watch: stored facts first, then live ones, from a sequence on; its consumer is gone afterwards", async () => {
  const { factLog } = opened.store;
  const run = aRun();
  const baseline = await natsBaseline(opened.nats);
  const started = { kind: "step.started", at: 1, ...key, instance: "i" } as const;
  const first = await factLog.publish(run, started);
  await factLog.publish(run, turn(0));
  const abort = new AbortController();
  const seen: string[] = [];
  for await (const { fact } of factLog.watch(run, { signal: abort.signal })) {
    seen.push(fact.kind);
    if (seen.length === 2) await factLog.publish(run, done);
    if (seen.length === 3) abort.abort();
  }
  expect(seen).toEqual(["step.started", "step.turn", "step.finished"]);
  const rest = await collect(factLog.watch(run, { fromSeq: first.seq + 1, signal: AbortSignal.timeout(20_000) }), 2);
  expect(rest.map(({ fact }) => fact.kind)).toEqual(["step.turn", "step.finished"]);
  await expectNoLeaks(opened.nats, baseline);
});

test("a watch that waits ends when its signal does", async () => {
  const baseline = await natsBaseline(opened.nats);
  const run = aRun();
  await opened.store.factLog.publish(run, turn(0));
  const abort = new AbortController();
  let seen = 0;
  for await (const _ of opened.store.factLog.watch(run, { signal: abort.signal })) {
    seen += 1;
    setImmediate(() => abort.abort());
  }
  expect(seen).toBe(1);
  await expectNoLeaks(opened.nats, baseline);
});

test("purge takes the facts of one run, and leaves its neighbours'", async () => {
  const { factLog, timers } = opened.store;
  const run = aRun();
  const neighbour = { ...aRun(), run: `${run.run}-b` };
  await factLog.publish(run, done);
  await factLog.publish(neighbour, done);
  await timers.set(run, "timeout", Date.now() + 3_600_000);
  await factLog.purge(run);
  expect(await factLog.finished(run, key)).toBeUndefined();
  expect(await factLog.finished(neighbour, key)).toBeDefined();
});

test("consume: what was fetched and not handled goes back to the next reader at once (R1)", async () => {
  await using fresh = await openStore();
  const { factLog } = fresh.store;
  const run = aRun();
  await Promise.all(Array.from({ length: 20 }, (_, index) => factLog.publish(run, turn(index))));
  const first: number[] = [];
  for await (const delivery of factLog.consume({ maxPending: 20, signal: AbortSignal.timeout(20_000) })) {
    first.push(delivery.seq);
    await delivery.ack();
    if (first.length === 3) break;
  }
  const second: number[] = [];
  const again = await connectStore(fresh.nats);
  const abort = new AbortController();
  for await (const delivery of again.factLog.consume({ maxPending: 20, signal: abort.signal })) {
    second.push(delivery.seq);
    await delivery.ack();
    if (second.length === 17) abort.abort();
  }
  await again.close();
  expect(new Set([...first, ...second]).size).toBe(20);
});

test("consume: a fact that came too early comes again after the delay", async () => {
  await using fresh = await openStore();
  const { factLog } = fresh.store;
  const run = aRun();
  await factLog.publish(run, done);
  const deliveries: number[] = [];
  for await (const delivery of factLog.consume({ maxPending: 5, signal: AbortSignal.timeout(20_000) })) {
    expect(delivery.value).toMatchObject({ ...run, fact: done });
    deliveries.push(delivery.deliveries);
    if (delivery.deliveries < 2) delivery.nak(50);
    else {
      await delivery.ack();
      break;
    }
  }
  expect(deliveries).toEqual([1, 2]);
});

test("consume goes on after a hard restart of the server, and nothing stored is lost (P8, D9)", async () => {
  await using fresh = await openStore();
  const { factLog } = fresh.store;
  const run = aRun();
  await factLog.publish(run, turn(0));
  const seen: number[] = [];
  for await (const delivery of factLog.consume({ maxPending: 5, signal: AbortSignal.timeout(25_000) })) {
    seen.push((delivery.value.fact as StepTurn).turn);
    await delivery.ack();
    if (seen.length === 1) {
      await fresh.nats.restart({ hard: true });
      const second = await connectStore(fresh.nats);
      await second.factLog.publish(run, turn(1));
      await second.close();
    } else break;
  }
  expect(seen).toEqual([0, 1]);
});

test("R2: a consumer that is deleted under its reader ends it with StoreUnavailable; the next reader has it again", async () => {
  await using fresh = await openStore();
  const { factLog } = fresh.store;
  const run = aRun();
  await factLog.publish(run, turn(0));
  const manager = await jetstreamManager(await fresh.nats.connect());
  const reading = (async () => {
    for await (const delivery of factLog.consume({ maxPending: 5, signal: AbortSignal.timeout(25_000) })) {
      await delivery.ack();
      await manager.consumers.delete("ARK_FACTS", "collector");
    }
  })();
  await expect(reading).rejects.toBeInstanceOf(StoreUnavailable);
  const [again] = await collect(factLog.consume({ maxPending: 5, signal: AbortSignal.timeout(25_000) }), 1);
  expect(again?.value.fact).toEqual(turn(0));
});

test("a reader that waits ends when its connection is closed", async () => {
  await using fresh = await openStore();
  const other = await connectStore(fresh.nats);
  const reading = other.factLog.consume({ maxPending: 5, signal: AbortSignal.timeout(25_000) })[Symbol.asyncIterator]();
  const next = reading.next().catch((error: unknown) => error);
  await other.close();
  const end = await next;
  expect(end instanceof StoreUnavailable || (end as IteratorResult<unknown>).done).toBe(true);
});
