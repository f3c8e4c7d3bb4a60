/** Guests of NATS on a real server, with accounts and users as ADR 0015 has them: what one may not do. */
import { readFile } from "node:fs/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { credsAuthenticator, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inboxOf } from "#core/events/guests.ts";
import type { Task } from "#core/events/tasks.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { Delivery } from "#core/ports/record.ts";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import { startGuardedNats, type GuardedNats } from "../../harness/nats-accounts.ts";

const signal = AbortSignal.timeout(170_000);
const WRITER = { namespace: "team-a", agent: "writer" };
const SERVICE = { namespace: "team-a", service: "writing" };
const RUN = { namespace: "team-a", run: "run-1", uid: "uid-1" };
const OTHER = { namespace: "team-b", run: "run-1", uid: "uid-2" };
const KEY = { step: "write", iteration: 0, attempt: 0 };

let guarded: GuardedNats;
let record: JetStream;
let guest: JetStream;
let service: JetStream;
/** The guest's own user, without our code between. */
let raw: NatsConnection;

beforeAll(async () => {
  guarded = await startGuardedNats();
  const url = guarded.nats.url;
  record = await openJetStream({ url, name: "record", signal, creds: guarded.creds });
  await record.provision({ storageBytes: 1024 ** 3 });
  await Promise.all(["team-a", "team-b"].map((namespace) => record.taskQueues.open({ namespace, agent: "writer" })));
  const common = { url, signal, requestTimeoutMs: 2_000 };
  const creds = await guarded.guest(WRITER);
  guest = await openJetStream({ ...common, name: "guest", creds, guest: WRITER });
  service = await openJetStream({ ...common, name: "router", creds: await guarded.guest(SERVICE), guest: SERVICE });
  const bytes = await readFile(creds);
  raw = await guarded.nats.connect({ authenticator: credsAuthenticator(bytes), inboxPrefix: inboxOf(WRITER) });
});
afterAll(async () => {
  await Promise.all([guest, service, record].map((one) => one.close()));
  await guarded[Symbol.asyncDispose]();
});

const finished = (message: string) =>
  ({
    kind: "step.finished",
    at: 1,
    ...KEY,
    outcome: { kind: "failed", code: "x", message, mayPass: false },
    usage: { inputTokens: 0, outputTokens: 0 },
  }) as const;

function taskOf(namespace: string): Task {
  return { ...KEY, namespace, run: "run-1", uid: "uid-1", agent: "writer", prompt: { inline: "x" }, budgets: [] };
}

async function factsOf(run: typeof RUN, by: JetStream = record): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { fact } of by.factLog.history(run)) kinds.push(fact.kind);
  return kinds;
}

test("what is a guest's own it pulls, records, reads back, holds, keeps and acknowledges", async () => {
  await record.tasks.publish(taskOf("team-a"));
  const delivery = await guest.tasks.next(WRITER, 10_000, signal);
  const lease = await guest.leases.take(RUN, KEY);
  if (typeof lease === "string") throw new Error(lease);
  expect(await lease.renew()).toBe("held");
  const text = "long ".repeat(60_000);
  const kept = await guest.outputs.store(RUN, text);
  expect((await guest.outputs.load(RUN, kept)).length).toBe(text.length);
  const turn = {
    kind: "step.turn",
    at: 1,
    ...KEY,
    turn: 0,
    usage: { inputTokens: 1, outputTokens: 1 },
    model: "m",
    record: kept,
  } as const;
  expect((await guest.factLog.publish(RUN, turn)).kind).toBe("stored");
  expect((await guest.factLog.publish(RUN, { ...turn, turn: 1 })).kind).toBe("stored");
  expect((await guest.factLog.turns(RUN, KEY)).length).toBe(2);
  expect((await guest.factLog.publish(RUN, finished("no"))).kind).toBe("stored");
  expect((await guest.factLog.finished(RUN, KEY))?.fact.kind).toBe("step.finished");
  const budget = [
    { key: "agent.team-a.writer", limit: 10, windowMs: 86_400_000 },
    { key: "run.team-a.run-1", limit: 10 },
  ];
  expect(await guest.budgets.reserve(budget, "call", 5, Date.now() + 60_000)).toEqual({ kind: "reserved" });
  await guest.usage.add(WRITER, { inputTokens: 1, outputTokens: 1 }, Date.now());
  const looked = await guest.probes.look(WRITER, "well?");
  if (looked.kind !== "ours") throw new Error(looked.kind);
  await looked.turn.tell("healthy", 60_000);
  expect(await guest.probes.look(WRITER, "well?")).toEqual({ kind: "known", verdict: "healthy" });
  const seen = [{ name: "wiki", url: "http://wiki", healthy: false, message: "away", at: 2, since: 1 }];
  await guest.toolServers.tell({ ...WRITER, uid: "uid-w" }, seen);
  expect(await guest.toolServers.last({ ...WRITER, uid: "uid-w" })).toEqual(seen);
  await guest.instances.announce(WRITER, { instance: "pod-1", active: 0, max: 1, ready: true });
  await lease.release();
  await delivery?.ack();
  expect(await record.tasks.pending(WRITER)).toEqual({ waiting: 0, running: 0 });
  expect(await factsOf(RUN)).toEqual(["step.turn", "step.turn", "step.finished"]);
  expect(await guest.tasks.next(WRITER, 1_000, signal)).toBeUndefined();
});

test.each([
  ["no JSON", "{"],
  ["nothing", "null"],
  ["a time that is none", JSON.stringify({ servers: [{ name: "w", url: "u", healthy: true, at: 1e300, since: 0 }] })],
  [
    "a long message",
    JSON.stringify({ servers: [{ name: "w", message: "x".repeat(513), healthy: false, at: 1, since: 1 }] }),
  ],
])("T2: where it writes of its servers what is not as it should be (%s), nothing is there", async (what, text) => {
  const uid = what.replaceAll(" ", "-");
  await jetstream(raw).publish(`$KV.ark-budgets.mcp.team-a.writer.${uid}`, text);
  expect(await record.toolServers.last({ ...WRITER, uid })).toEqual([]);
});

test("a router reads its service, its runs as they change, who is awake, and asks for runs", async () => {
  await record.services.put({
    namespace: "team-a",
    name: "writing",
    uid: "u",
    generation: 1,
    agent: "writer",
    strategy: "random",
    protocols: ["HTTP"],
    tokenDigest: "sha256:x",
  });
  await record.instances.announce(WRITER, { instance: "pod-2", active: 0, max: 1, ready: true });
  expect((await service.services.get("team-a", "writing"))?.uid).toBe("u");
  expect((await service.instances.list(WRITER)).map(({ instance }) => instance)).toContain("pod-2");
  expect(
    (await service.idempotency.claim("team-a.writing.k", { bodyDigest: "", firedAt: 1, runs: [], stored: true })).kind,
  ).toBe("claimed");
  expect((await service.factLog.publish(RUN, { kind: "run.cancel", at: 1, message: "x" })).kind).toBe("stored");
  await expect(service.services.get("team-a", "another")).rejects.toThrow();
  await expect(service.runStates.get(OTHER)).rejects.toThrow();
});

test("a hint is heard where somebody holds wakes, and by nobody where none does (P8)", async () => {
  const collector = { namespace: "team-a", agent: "-" };
  expect(await guest.wakes.ask(collector)).toBe("nobody");
  const stop = new AbortController();
  const heard: object[] = [];
  const watching = (async () => {
    for await (const hint of record.wakes.watch(stop.signal)) heard.push(hint);
  })();
  await expect.poll(() => guest.wakes.ask(collector), { timeout: 20_000 }).toBe("heard");
  expect(await service.wakes.ask(WRITER)).toBe("heard");
  expect(heard).toContainEqual(WRITER);
  stop.abort();
  await watching;
});

test("D42: a pulled task is handed to another instance of the agent, which acknowledges it", async () => {
  const { url } = guarded.nats;
  const creds = await guarded.guest(WRITER);
  await using peer = await openJetStream({ url, name: "peer", signal, creds, guest: WRITER });
  const stop = new AbortController();
  const taken: Delivery<Task>[] = [];
  const take = (delivery: Delivery<Task>) => {
    taken.push(delivery);
    return "taken" as const;
  };
  const receiving = peer.handOver.receive(WRITER, "pod-2", take, stop.signal);
  await record.tasks.publish({ ...taskOf("team-a"), attempt: 7 });
  const delivery = await guest.tasks.next(WRITER, 10_000, signal);
  if (delivery === undefined) throw new Error("no task");
  await expect.poll(() => guest.handOver.offer(WRITER, "pod-2", delivery), { timeout: 20_000 }).toBe("taken");
  await taken.at(-1)?.ack();
  expect(await record.tasks.pending(WRITER)).toEqual({ waiting: 0, running: 0 });
  stop.abort();
  await receiving;
});

test("a router follows a run without a consumer: what is there, then each state, also after the server was away", async () => {
  const state = (hop: number) => ({ namespace: "team-a", run: "followed", hop }) as RunState;
  const put = async (hop: number) => {
    const revision = (await record.runStates.get(state(0)))?.revision ?? 0;
    return record.runStates.put(state(hop), revision);
  };
  await put(1);
  const seen: number[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const { hop } of service.runStates.watch(state(0), stop.signal)) seen.push(hop);
  })();
  await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(1);
  await put(2);
  await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(2);
  await guarded.nats.restart();
  await expect.poll(() => put(3).catch(() => undefined), { timeout: 60_000 }).toMatchObject({ kind: "stored" });
  await expect.poll(() => seen.at(-1), { timeout: 60_000 }).toBe(3);
  stop.abort();
  await watching;
});

describe("refused, and nothing is there afterwards", () => {
  test.each<[what: string, attempt: () => Promise<unknown>]>([
    ["a fact of another namespace", () => guest.factLog.publish(OTHER, finished("forged"))],
    ["a request, or a cancel, of a run", () => guest.factLog.publish(RUN, { kind: "run.cancel", at: 1, message: "x" })],
    ["another namespace's tasks", () => guest.tasks.next({ ...WRITER, namespace: "team-b" }, 1_000, signal)],
    ["another agent's tasks", () => guest.tasks.next({ ...WRITER, agent: "editor" }, 1_000, signal)],
    ["a task", () => guest.tasks.publish(taskOf("team-b"))],
    ["another's results", () => guest.factLog.finished(OTHER, KEY)],
    ["another's turns", () => guest.factLog.turns(OTHER, KEY)],
    ["another's state", () => guest.runStates.get(OTHER)],
    ["the whole record of its own run", () => factsOf(RUN, guest)],
    ["another's lease", () => guest.leases.take(OTHER, KEY)],
    ["another's texts", () => guest.outputs.store(OTHER, "x".repeat(40_000))],
    ["another's budget", () => guest.budgets.reserve([{ key: "agent.team-b.writer", limit: 1 }], "c", 1, 1)],
    ["another agent's readiness", () => guest.probes.look({ ...WRITER, agent: "editor" }, "well?")],
    ["another agent's servers", () => guest.toolServers.last({ ...WRITER, agent: "editor", uid: "uid-e" })],
    ["what another agent saw of them", () => guest.toolServers.tell({ ...WRITER, agent: "editor", uid: "uid-e" }, [])],
    ["what an ArkEvent's token is", () => guest.triggers.get("team-a", "hook")],
    ["a purge of its own run", () => guest.factLog.purge(RUN)],
    ["streams", () => guest.provision()],
  ])("%s", async (_what, attempt) => {
    await expect(attempt()).rejects.toThrow();
    expect(await factsOf(OTHER)).toEqual([]);
    expect(await record.tasks.pending({ ...WRITER, namespace: "team-b" })).toEqual({ waiting: 0, running: 0 });
  });

  test("D1: what its connection could ask of the server beside our code", async () => {
    const manager = await jetstreamManager(raw, { checkAPI: false, timeout: 1_000 });
    const before = await factsOf(RUN);
    for (const attempt of [
      () => manager.streams.delete("ARK_FACTS"),
      () => manager.streams.purge("ARK_FACTS"),
      () => manager.streams.info("ARK_FACTS"),
      () => manager.streams.names().next(),
      () => manager.streams.getMessage("ARK_FACTS", { seq: 1 }),
      () => manager.direct.getMessage("ARK_FACTS", { seq: 1 }),
      () => manager.consumers.add("ARK_FACTS", { filter_subject: "ark.facts.>" }),
      () => manager.consumers.delete("ARK_TASKS", "team-a_writer"),
    ])
      await expect(attempt()).rejects.toThrow();
    expect(await factsOf(RUN)).toEqual(before);
  });

  test("headers that would roll the record up, or schedule a message for another", async () => {
    const js = jetstream(raw, { timeout: 2_000 });
    const before = await factsOf(RUN);
    const rollup = headers();
    rollup.set("Nats-Rollup", "all");
    const publish = (subject: string, carried: typeof rollup) => js.publish(subject, "{}", { headers: carried });
    await expect(publish("ark.facts.team-a.r.step.s.0.0.x", rollup)).rejects.toThrow(/rollup/);
    await expect(publish("$KV.ark-leases.team-a.x", rollup)).rejects.toThrow(/rollup/);
    await expect(publish(`$O.ark-outputs.C.team-a.x.0`, rollup)).rejects.toThrow(/rollup/);
    const schedule = headers();
    schedule.set("Nats-Schedule", `@at ${new Date().toISOString()}`);
    schedule.set("Nats-Schedule-Target", "ark.facts.team-b.run-1.step.write.0.0.finished");
    await expect(publish("ark.facts.team-a.r.step.s.0.0.x", schedule)).rejects.toThrow(/schedule/);
    expect(await factsOf(RUN)).toEqual(before);
  });

  test("G2: an answer that is sent elsewhere goes no further than the guest", async () => {
    const js = jetstream(raw, { timeout: 2_000 });
    const mine = "ark.facts.team-a.r.step.s.0.0.started";
    await js.publish(mine, JSON.stringify(finished("forged")));
    const ask = `$JS.API.DIRECT.GET.ARK_FACTS.${mine}`;
    const stored = "ark.facts.team-b.run-1.step.write.0.0.finished";
    for (const reply of [
      stored,
      "ark.tasks.team-b.writer",
      "$KV.ark-leases.team-b.x",
      "$JS.API.STREAM.PURGE.ARK_FACTS",
    ])
      raw.publish(ask, "", { reply });
    raw.publish(mine, "{}", { reply: stored });
    await raw.flush();
    // Whatever was sent before this has been dealt with when it is answered.
    await js.publish(mine, "{}");
    expect((await factsOf(RUN)).length).toBeGreaterThan(0);
    expect(await factsOf(OTHER)).toEqual([]);
    expect(await record.tasks.pending({ ...WRITER, namespace: "team-b" })).toEqual({ waiting: 0, running: 0 });
    expect(await record.leases.take({ namespace: "team-b", uid: "x" }, KEY)).toBeTypeOf("object");
  });
});

test("G2: in the record's own account the same question forges a fact: hence two accounts", async () => {
  const bytes = await readFile(guarded.creds);
  const owner = await guarded.nats.connect({ authenticator: credsAuthenticator(bytes) });
  const mine = "ark.facts.team-c.r.step.s.0.0.started";
  const stored = "ark.facts.team-d.r.step.s.0.0.started";
  await jetstream(owner).publish(mine, JSON.stringify(finished("forged")));
  owner.publish(`$JS.API.DIRECT.GET.ARK_FACTS.${mine}`, "", { reply: stored });
  const manager = await jetstreamManager(owner, { checkAPI: false });
  const found = () => manager.direct.getMessage("ARK_FACTS", { last_by_subj: stored });
  await expect.poll(async () => (await found())?.string(), { timeout: 20_000 }).toContain("forged");
});

test("a user of the longest names fits into the `max_control_line` that docs/install.md asks for", async () => {
  const longest = { namespace: "n".repeat(63), agent: "a".repeat(57) };
  const js = await openJetStream({
    url: guarded.nats.url,
    name: "long",
    signal,
    creds: await guarded.guest(longest),
    guest: longest,
  });
  await js.close();
});
