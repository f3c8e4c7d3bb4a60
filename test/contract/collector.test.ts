/** A collector and the facts of one run, on a real store: what comes twice, too early, too late, or of another run. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Fact, RunRequested } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import { type RunRef, StoreUnavailable, type StoredFact } from "#core/ports/record.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { createCollector } from "../../functions/collector/collect.ts";
import type { CollectorPorts } from "../../functions/collector/deps.ts";
import { type Collect, collecting, portsWith } from "../harness/collector.ts";
import { aRun, openStore, type Opened } from "./jetstream/open.ts";

let opened: Opened;
let store: JetStream;
beforeAll(async () => {
  opened = await openStore();
  ({ store } = opened);
});
afterAll(() => opened?.[Symbol.asyncDispose]());

const collector = (changes: Partial<CollectorPorts> = {}): Collect => collecting(store, changes);

const POLL = { timeout: 20_000, interval: 20 };
const STEP = { step: "write", iteration: 0, attempt: 0 };

/** Its agent has the name of the run. */
function asked(run: RunRef, more: Partial<RunRequested> = {}): Fact {
  const roles = [{ name: "write", arkAgent: run.run }];
  const spec = { teamRef: "blog", roles, pipeline: [{ role: "write" }] };
  return { kind: "run.requested", at: 1_000, ...run, spec, depth: 0, hop: 0, ...more };
}
const STARTED: Fact = { kind: "step.started", at: 2_000, ...STEP, instance: "one" };
const DONE: Fact = {
  kind: "step.finished",
  at: 3_000,
  ...STEP,
  outcome: { kind: "done", output: { inline: "a poem" } },
};
const cancelled = (message: string): Fact => ({ kind: "run.cancel", at: 9_000, message });

async function put(run: RunRef, fact: Fact): Promise<StoredFact> {
  return { ...run, fact, seq: (await store.factLog.publish(run, fact)).seq };
}
const putAll = async (run: RunRef, ...facts: readonly Fact[]): Promise<readonly StoredFact[]> => {
  const stored: StoredFact[] = [];
  for (const fact of facts) stored.push(await put(run, fact));
  return stored;
};

const phaseOf = async (run: RunRef) => (await store.runStates.get(run))?.state.phase;
const tasksOf = (run: RunRef) => store.tasks.pending({ namespace: run.namespace, agent: run.run });

test("K2, D6: two collectors that fold the same facts give one task and one state, and both acknowledge", async () => {
  const run = aRun();
  const [one, other] = [collector(), collector()];
  const request = [await put(run, asked(run))];
  expect(await Promise.all([one(request), other(request)])).toEqual([["ack"], ["ack"]]);
  expect(await tasksOf(run)).toEqual({ waiting: 1, running: 0 });
  expect(await one(await putAll(run, STARTED, DONE))).toEqual(["ack", "ack"]);
  // What the other one remembers is older than what is stored.
  expect(await other([await put(run, cancelled("too late"))])).toEqual(["ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "succeeded", endedAt: 3_000 });
});

test("K3: a fact that comes before those it builds on is handed back, and folded when it comes again", async () => {
  const run = aRun();
  const collect = collector();
  const [early, request] = await putAll(run, DONE, asked(run));
  if (early === undefined || request === undefined) throw new Error("nothing stored");
  expect(await collect([early])).toEqual(["nak 200"]);
  expect(await phaseOf(run)).toBeUndefined();
  expect(await collect([request, early])).toEqual(["ack", "ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "succeeded" });
});

test.each([
  [2, "nak 400"],
  [4, "nak 1600"],
  [29, "nak 30000"],
  [30, "ack"],
])("K3: a fact that never fits is handed back ever later, and dropped at last: delivery %i, %s", async (n, wanted) => {
  const run = aRun();
  expect(await collector()([await put(run, DONE)], n)).toEqual([wanted]);
  expect(await phaseOf(run)).toBeUndefined();
});

test("a state that is lost is folded anew from the record", async () => {
  const run = aRun();
  const roles = [{ name: "write", arkAgent: run.run }];
  const pipeline = [{ role: "write" }, { role: "write", name: "edit", dependsOn: ["write"] }];
  await collector()(await putAll(run, asked(run, { spec: { teamRef: "blog", roles, pipeline } }), STARTED, DONE));
  await store.runStates.delete(run);
  expect(await collector()([await put(run, { ...DONE, at: 5_000, step: "edit" })])).toEqual(["ack"]);
  const found = await store.runStates.get(run);
  expect(found?.state).toMatchObject({
    phase: { kind: "succeeded", endedAt: 5_000 },
    steps: { write: { endedAt: 3_000 }, edit: { startedAt: 3_000 } },
  });
  expect(await tasksOf(run)).toEqual({ waiting: 2, running: 0 });
});

test("facts of an earlier run of the same name change nothing of the next one", async () => {
  const run = aRun();
  const next = { ...run, uid: `${run.uid}-next` };
  const collect = collector();
  await collect([await put(run, asked(run))]);
  expect(await collect([await put(next, asked(next))])).toEqual(["ack"]);
  expect(await collect(await putAll(run, STARTED, DONE, cancelled("the earlier one")))).toEqual(["ack", "ack", "ack"]);
  expect((await store.runStates.get(next))?.state).toMatchObject({ uid: next.uid, phase: { kind: "running" } });
});

test("E15b: a nested run is cancelled by its own parent, which does not know its uid, and by nobody else's", async () => {
  const run = aRun();
  const collect = collector();
  const parent = { namespace: run.namespace, run: "up", uid: "uid-up", ...STEP };
  await collect([await put(run, asked(run, { parent, depth: 1 }))]);
  const by = (uid: string) => put({ ...run, uid: `child-of:${uid}:${run.run}` }, cancelled("its parent has ended"));
  expect(await collect([await by("uid-other")])).toEqual(["ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "running" });
  expect(await collect([await by("uid-up")])).toEqual(["ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "failed", reason: "Cancelled" });
});

test("D47: the end frees its event's claim, and does so again where nobody knows that it did", async () => {
  const run = aRun();
  const lock = `${run.namespace}.${run.run}`;
  const claim = () => store.locks.claim(lock, "a-key", [run.run]);
  const collect = collector();
  await claim();
  const end = [await put(run, asked(run, { event: run.run })), await put(run, DONE)];
  expect(await collect(end.slice(0, 1))).toEqual(["ack"]);
  expect(await store.locks.holder(lock)).toMatchObject({ holder: "a-key" });
  expect(await collect(end.slice(1))).toEqual(["ack"]);
  expect(await store.locks.holder(lock)).toBeUndefined();
  // As it is where a collector died between the state and the claim.
  await claim();
  expect(await collector()(end.slice(1))).toEqual(["ack"]);
  expect(await store.locks.holder(lock)).toBeUndefined();
  // Whoever freed it does not do so twice.
  await claim();
  expect(await collect(end.slice(1))).toEqual(["ack"]);
  expect(await store.locks.holder(lock)).toMatchObject({ holder: "a-key" });
});

test("K4: while a store is away facts are kept alive and not acknowledged; a bug hands them back, ever later", async () => {
  const run = aRun();
  let away = 2;
  const states: CollectorPorts["states"] = {
    get: (name) => store.runStates.get(name),
    put: async (state, revision) => {
      if ((away -= 1) >= 0) throw new StoreUnavailable("away");
      return store.runStates.put(state, revision);
    },
    delete: (name) => store.runStates.delete(name),
    watch: (name, signal) => store.runStates.watch(name, signal),
  };
  const collect = collector({ states });
  expect(await collect([await put(run, asked(run))])).toEqual(["working, working, ack"]);
  expect(await tasksOf(run)).toEqual({ waiting: 1, running: 0 });

  const broken = collector({ states: { ...states, put: () => Promise.reject(new TypeError("a bug")) } });
  const facts = [await put(run, DONE)];
  expect([await broken(facts), await broken(facts, 3), await broken(facts, 20)]).toEqual([
    ["nak 2000"],
    ["nak 8000"],
    ["nak 60000"],
  ]);
  expect(await collect(facts)).toEqual(["ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "succeeded" });
});

/** The messages of one agent's tasks that nobody has taken. */
const waitingFor = async (agent: string) => (await store.tasks.pending({ namespace: "default", agent })).waiting;

test("E7: an end takes back what its other steps have out, and nothing of the step that reported it", async () => {
  const run = aRun();
  const roles = ["write", "other"].map((name) => ({ name, arkAgent: `${run.run}-${name}` }));
  const spec = { teamRef: "blog", roles, pipeline: roles.map(({ name }) => ({ role: name })) };
  const collect = collector();
  await collect([await put(run, asked(run, { spec }))]);
  const waiting = () => Promise.all(roles.map(({ arkAgent }) => waitingFor(arkAgent)));
  expect(await waiting()).toEqual([1, 1]);
  const outcome = { kind: "failed", code: "provider.auth", message: "bad key", mayPass: false } as const;
  await collect([await put(run, { kind: "step.finished", at: 3_000, ...STEP, outcome })]);
  expect(await phaseOf(run)).toMatchObject({ kind: "failed", reason: "StepFailed" });
  // Its own executor acknowledges it.
  expect(await waiting()).toEqual([1, 0]);
});

/** What the status of `run` was, each time. */
function statusSink(run: RunRef) {
  const shown: (string | undefined)[] = [];
  const status: CollectorPorts["status"] = {
    writeStatus: async (_kind, { name }, written) => {
      if (name === run.run) shown.push("phase" in written ? written.phase : undefined);
      return { kind: "absent" };
    },
  };
  return { shown, status };
}

test("timers: one that is due moves the run, a status that is owed is shown, and each is acknowledged after", async () => {
  const run = aRun();
  const { shown, status } = statusSink(run);
  const collect = collector({ status });
  const spec = { agent: run.run, prompt: "begin", timeoutSeconds: 7 };
  await collect([await put(run, asked(run, { spec }))]);
  expect(shown).toEqual(["Running"]);
  const owed = [await put(run, { kind: "timer", at: 5_000, timer: "status" })];
  expect(await collect(owed)).toEqual(["ack"]);
  expect(shown).toEqual(["Running", "Running"]);
  expect(await collect([await put(run, { kind: "timer", at: 6_000, timer: "retry-gone-0-1" })])).toEqual(["ack"]);
  expect(shown).toHaveLength(2);
  expect(await collect([await put(run, { kind: "timer", at: 8_000, timer: "run-timeout" })])).toEqual(["ack"]);
  expect(await phaseOf(run)).toMatchObject({ kind: "failed", reason: "TimedOut" });
  expect(shown).toEqual(["Running", "Running", "Failed"]);
});

test("D42: the instance that a router chose is preferred for the first attempt alone", async () => {
  const run = aRun();
  const preferred: (string | undefined)[] = [];
  const tasks: CollectorPorts["tasks"] = Object.create(store.tasks, {
    publish: {
      value: (task: Task) => {
        preferred.push(task.prefer);
        return store.tasks.publish(task);
      },
    },
  });
  const collect = collector({ tasks });
  const pipeline = [{ role: "write", retry: { limit: 1 } }];
  const spec = { teamRef: "blog", roles: [{ name: "write", arkAgent: run.run }], pipeline };
  await collect([await put(run, asked(run, { spec, via: { service: "writing", instance: "pod-1" } }))]);
  const outcome = { kind: "failed", code: "provider.reset", message: "reset", mayPass: true } as const;
  await collect([await put(run, { kind: "step.finished", at: 3_000, ...STEP, outcome })]);
  await collect([await put(run, { kind: "timer", at: 9_000, timer: "retry-write-0-1" })]);
  expect(preferred).toEqual(["pod-1", undefined]);
});

test("E15b: a nested run reports to the step that it is, once, with what it cost", async () => {
  const run = aRun();
  const up = aRun();
  const collect = collector();
  await collect([await put(run, asked(run, { parent: { ...up, ...STEP }, depth: 1 }))]);
  const usage = { inputTokens: 7, outputTokens: 5 };
  const end = [await put(run, { ...DONE, usage } as Fact)];
  await collect(end);
  await collector()(end);
  const reported = await collectAll(store.factLog.history(up));
  expect(reported.map(({ fact }) => fact)).toEqual([
    {
      kind: "step.finished",
      at: 3_000,
      ...STEP,
      outcome: { kind: "done", output: { inline: "a poem" } },
      usage,
      child: run.run,
    },
  ]);
});

test("K5: a collector that is stopped ends what it has in hand, and shows what is not shown yet", async () => {
  const run = aRun();
  const { shown, status } = statusSink(run);
  // A run that goes on is shown after that time only.
  const working = createCollector(portsWith(store, { status }), { statusEveryMs: 1_000_000 });
  const stop = new AbortController();
  const ended = working.run(stop.signal);
  await put(run, asked(run));
  await expect.poll(() => phaseOf(run), POLL).toMatchObject({ kind: "running" });
  expect(shown).toEqual([]);
  stop.abort();
  await ended;
  expect(shown).toEqual(["Running"]);
});

async function collectAll<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
