import { afterAll, beforeAll, expect, test } from "vitest";
import { aRun, collect, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

test("T2: a timer fires as a fact of its run that names the timer, not before its time", async () => {
  const { timers, factLog } = opened.store;
  const run = aRun();
  const at = Date.now() + 1_100;
  await timers.set(run, "step-timeout-a", at);
  const [fired] = await collect(factLog.watch(run, { signal: AbortSignal.timeout(25_000) }), 1);
  expect(Date.now()).toBeGreaterThanOrEqual(at);
  expect(fired).toMatchObject({ ...run, fact: { kind: "timer", timer: "step-timeout-a" } });
});

test("T2: a time that has passed fires at once", async () => {
  const { timers, factLog } = opened.store;
  const run = aRun();
  await timers.set(run, "late", Date.now() - 60_000);
  const [fired] = await collect(factLog.watch(run, { signal: AbortSignal.timeout(25_000) }), 1);
  expect(fired?.fact).toMatchObject({ kind: "timer", timer: "late" });
});

test("T1: setting replaces, clearing cancels; other timers of the run fire", async () => {
  const { timers, factLog } = opened.store;
  const run = aRun();
  await timers.set(run, "moved", Date.now() + 4_000);
  await timers.set(run, "moved", Date.now() + 3_600_000);
  await timers.set(run, "cleared", Date.now() + 4_000);
  await timers.clear(run, "cleared");
  await timers.clear(run, "never-set");
  await timers.set(run, "witness", Date.now() + 6_000);
  const fired = await collect(factLog.watch(run, { signal: AbortSignal.timeout(25_000) }), 1);
  expect(fired.map(({ fact }) => fact)).toMatchObject([{ timer: "witness" }]);
});

test("timers survive a hard restart of the server (P4)", async () => {
  await using fresh = await openStore();
  const run = aRun();
  await fresh.store.timers.set(run, "kept", Date.now() + 3_000);
  await fresh.nats.restart({ hard: true });
  await using again = await connectStore(fresh.nats);
  const [fired] = await collect(again.factLog.watch(run, { signal: AbortSignal.timeout(25_000) }), 1);
  expect(fired?.fact).toMatchObject({ kind: "timer", timer: "kept" });
});

test("T3: of a run that is let go nothing is left, and no restart of the server brings anything back", async () => {
  await using fresh = await openStore();
  const [gone, witness] = [aRun(), aRun()];
  const { timers, factLog } = fresh.store;
  await timers.set(gone, "fired", Date.now() - 1_000);
  await timers.set(gone, "set", Date.now() + 3_600_000);
  await collect(factLog.watch(gone, { signal: AbortSignal.timeout(25_000) }), 1);
  await factLog.purge(gone);
  const { streams } = await fresh.nats.monitor.jsz();
  const left = streams.filter(({ name }) => ["ARK_FACTS", "ARK_TIMERS"].includes(name));
  expect(left.map(({ state }) => state.messages)).toEqual([0, 0]);
  await fresh.nats.restart({ hard: true });
  await using again = await connectStore(fresh.nats);
  await again.timers.set(witness, "witness", Date.now());
  await collect(again.factLog.watch(witness, { signal: AbortSignal.timeout(25_000) }), 1);
  expect(await collect(again.factLog.history(gone), 1)).toEqual([]);
});
