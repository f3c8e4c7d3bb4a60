import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { expect, test, vi } from "vitest";
import { ArkError } from "#core/errors.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { isSupported } from "#platform/jetstream/connect.ts";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { startNats } from "../../harness/nats.ts";
import { aRun, collect, connectStore, openStore } from "./open.ts";

const signal = AbortSignal.timeout(60_000);

/** A server that greets, and then does what `on` does with each piece that it gets. */
async function greeting(
  version: string,
  on: (data: string, socket: Socket) => void,
): Promise<Server & { url: string }> {
  const info = { server_id: "x", version, proto: 1, headers: true, max_payload: 1_048_576, jetstream: true };
  const server = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => on(data.toString(), socket));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return Object.assign(server, { url: `nats://user:secret@127.0.0.1:${address.port}` });
}

test("C1: a server below 2.12 is refused by name", async () => {
  const server = await greeting("2.11.9", (data, socket) => {
    if (data.includes("PING")) socket.write("PONG\r\n");
  });
  const refused = openJetStream({ url: server.url, name: "test", signal });
  const error = await refused.catch((why: unknown) => why);
  expect(error).toBeInstanceOf(ArkError);
  expect(error).toMatchObject({ code: "nats.too_old" });
  expect((error as ArkError).message).toContain("2.11.9");
  expect((error as ArkError).message).not.toContain("secret");
  server.close();
});

test("P8: a guest whose line breaks while it begins to follow a run is told so, once: no rejection is left over", async () => {
  const server = await greeting("2.12.0", (data, socket) => {
    if (data.includes("DIRECT.GET")) socket.destroy();
    else if (data.startsWith("CONNECT")) socket.write("PONG\r\n");
  });
  const guest = { namespace: "default", service: "s" };
  await using store = await openJetStream({ url: server.url, name: "test", signal, guest, requestTimeoutMs: 500 });
  const leftOver = vi.fn<() => void>();
  process.on("unhandledRejection", leftOver);
  const following = store.runStates.watch(aRun(), signal)[Symbol.asyncIterator]();
  await expect(following.next()).rejects.toBeInstanceOf(StoreUnavailable);
  await setImmediate();
  process.off("unhandledRejection", leftOver);
  expect(leftOver).not.toHaveBeenCalled();
  server.close();
});

test.each([
  ["2.12.0", true],
  ["2.12.0-RC.1", true],
  ["v2.15.1", true],
  ["3.0.0", true],
  ["2.11.9", false],
  ["1.99.0", false],
  ["unknown", false],
])("C1: version %s is supported: %s", (version, supported) => {
  expect(isSupported(version)).toBe(supported);
});

test("nobody there: nats.unreachable; already aborted: interrupted", async () => {
  await expect(openJetStream({ url: "nats://127.0.0.1:1", name: "test", signal })).rejects.toMatchObject({
    code: "nats.unreachable",
  });
  const aborted = AbortSignal.abort();
  await expect(openJetStream({ url: "nats://127.0.0.1:1", name: "test", signal: aborted })).rejects.toMatchObject({
    code: "interrupted",
  });
});

test("P8: a server that went away gives StoreUnavailable in bounded time; after its return all goes on", async () => {
  await using opened = await openStore();
  const { nats } = opened;
  await using store = await connectStore(nats, { requestTimeoutMs: 2_000 });
  const run = aRun();
  const key = { step: "a", iteration: 0, attempt: 0 };
  const fact = { kind: "run.cancel", at: 1, message: "x" } as const;
  await store.factLog.publish(run, fact);
  await nats.stop({ hard: true });
  const calls = [
    store.factLog.publish(run, fact),
    store.factLog.finished(run, key),
    store.factLog.turns(run, key),
    store.leases.take(run, key),
    store.runStates.get(run),
    store.outputs.store(run, "x".repeat(40_000)),
    store.timers.set(run, "t", Date.now() + 60_000),
    store.tasks.next({ namespace: "default", agent: "a" }, 1_000, signal),
    store.tasks.pending({ namespace: "default", agent: "a" }),
    store.budgets.reserve([{ key: "run.a", limit: 1 }], "call", 1, 0),
    store.locks.claim("default.hook", "a", ["r"]),
    store.objects.list("ArkTeam"),
    store.deadLetters.list("default"),
    store.provision(),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) as unknown });
  }
  expect(store.isConnected()).toBe(false);
  await nats.restart();
  for (let tries = 0; ; tries += 1) {
    const back = await store.factLog.publish(run, { ...fact, at: 2 }).catch((why: unknown) => why);
    if (!(back instanceof Error)) break;
    expect(back).toBeInstanceOf(StoreUnavailable);
    expect(tries).toBeLessThan(50);
  }
  expect(store.isConnected()).toBe(true);
});

test("close ends connection and subscriptions, also while the server is away; afterwards calls are refused", async () => {
  await using nats = await startNats();
  const baseline = await natsBaseline(nats);
  const store = await connectStore(nats);
  await store.provision();
  const watching = store.factLog.watch(aRun(), { signal })[Symbol.asyncIterator]();
  const next = watching.next().catch(() => undefined);
  await store.close();
  await store.close();
  await next;
  await expect(store.runStates.get(aRun())).rejects.toBeInstanceOf(StoreUnavailable);
  const away = await connectStore(nats);
  await expectNoLeaks(nats, {
    ...baseline,
    connections: 1,
    subscriptions: 100,
    consumers: baseline.consumers.concat(["ARK_FACTS/collector", "ARK_EVENTS/relay"]),
  });
  await nats.stop({ hard: true });
  await away.close();
});

test("V1 V2: provisioning is repeatable, safe at once, and upgrades what is there", async () => {
  await using nats = await startNats();
  const manager = await jetstreamManager(await nats.connect());
  await manager.streams.add({ name: "ARK_FACTS", subjects: ["ark.facts.>"], description: "older" });
  await manager.streams.add({ name: "KV_ark-runs", subjects: ["$KV.ark-runs.>"], max_msgs_per_subject: 1 });
  const outputs = ["$O.ark-outputs.C.>", "$O.ark-outputs.M.>"];
  await manager.streams.add({ name: "OBJ_ark-outputs", subjects: outputs, allow_rollup_hdrs: true });
  const [one, two] = [await connectStore(nats), await connectStore(nats)];
  await Promise.all([one.provision(), two.provision()]);
  await one.provision({ storageBytes: 1024 ** 3 });
  const { config } = await manager.streams.info("ARK_FACTS");
  expect(config).toMatchObject({ allow_direct: true, duplicate_window: 600_000_000_000, subjects: ["ark.facts.>"] });
  expect(config.sources).toMatchObject([{ name: "ARK_TIMERS" }]);
  // Who may write one of their messages can neither remove the others nor schedule one.
  for (const name of ["ARK_FACTS", "KV_ark-leases", "OBJ_ark-outputs"])
    expect((await manager.streams.info(name)).config).toMatchObject({ allow_rollup_hdrs: false });
  expect(config.allow_msg_schedules ?? false).toBe(false);
  expect((await manager.streams.info("KV_ark-runs")).config).toMatchObject({ allow_direct: true, allow_msg_ttl: true });
  expect((await manager.streams.info("ARK_TASKS")).config).toMatchObject({ retention: "workqueue", discard: "new" });
  for await (const { config: stream } of manager.streams.list()) {
    expect(stream.max_age + stream.max_bytes, stream.name).toBeGreaterThan(0);
  }
  await Promise.all([one.close(), two.close()]);
});

test("V2: a record that was begun with its timers in it keeps them, and they fire", async () => {
  await using nats = await startNats();
  const manager = await jetstreamManager(await nats.connect());
  const subjects = ["ark.facts.>", "ark.timers.>"];
  await manager.streams.add({ name: "ARK_FACTS", subjects, allow_msg_schedules: true, allow_rollup_hdrs: true });
  await using store = await connectStore(nats);
  await store.provision();
  await store.provision();
  expect((await manager.streams.info("ARK_FACTS")).config.subjects).toEqual(subjects);
  const run = aRun();
  await store.timers.set(run, "cleared", Date.now() + 60_000);
  await store.timers.clear(run, "cleared");
  await store.timers.set(run, "due", Date.now());
  const fires = async (timer: string) => {
    const [fired] = await collect(store.factLog.watch(run, { signal }), 1);
    expect(fired?.fact).toMatchObject({ kind: "timer", timer });
  };
  await fires("due");
  await store.factLog.purge(run);
  expect(await collect(store.factLog.history(run), 1)).toEqual([]);
  // As ADR 0015 says how to leave it: who is up meanwhile goes over, at the latest with the second try.
  await manager.streams.delete("ARK_FACTS");
  await store.provision();
  await store.timers.set(run, "later", Date.now()).catch(() => store.timers.set(run, "later", Date.now()));
  await fires("later");
});

test("V2: sizes and waits that a caller does not name stay as they are", async () => {
  await using nats = await startNats();
  const manager = await jetstreamManager(await nats.connect());
  await using store = await connectStore(nats);
  await store.provision({ storageBytes: 1024 ** 3, ackWaitMs: 5_000 });
  const before = await manager.streams.info("ARK_TASKS");
  await store.provision();
  expect((await manager.streams.info("ARK_TASKS")).config.max_bytes).toBe(before.config.max_bytes);
  expect((await manager.consumers.info("ARK_FACTS", "collector")).config.ack_wait).toBe(5_000_000_000);
});

test("D13: credentials: the right ones connect, wrong ones are refused without showing them (P7)", async () => {
  await using nats = await startNats({ auth: { user: "ark", password: "right-password" } });
  await using store = await connectStore(nats, { auth: { user: "ark", password: "right-password" } });
  await store.provision();
  expect(store.isConnected()).toBe(true);
  const wrong = connectStore(nats, { auth: { user: "ark", password: "wrong-password" } });
  const error = await wrong.catch((why: unknown) => why);
  expect(error).toMatchObject({ code: "nats.unreachable" });
  expect(String(error)).not.toContain("wrong-password");
});

test("a server with too little storage is told by the name of the stream", async () => {
  await using nats = await startNats({ maxFileBytes: 64 * 1024 ** 2 });
  await using store = await connectStore(nats);
  await expect(store.provision()).rejects.toMatchObject({ code: "server.refused" });
  await store.provision({ storageBytes: 48 * 1024 ** 2 });
});

test("a store that nobody provisioned yet is unavailable, not broken; a lost consumer is made again", async () => {
  await using nats = await startNats();
  await using store = await connectStore(nats);
  const read = async () => {
    for await (const delivery of store.factLog.consume({ maxPending: 1, signal })) {
      await delivery.ack();
      return delivery.value.run;
    }
    return undefined;
  };
  await expect(read()).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.timers.set(aRun(), "t", Date.now())).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.factLog.purge(aRun())).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.runStates.get(aRun())).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.tasks.next({ namespace: "a", agent: "b" }, 1_000, signal)).rejects.toBeInstanceOf(
    StoreUnavailable,
  );
  await store.provision();
  const manager = await jetstreamManager(await nats.connect());
  await manager.consumers.delete("ARK_FACTS", "collector");
  const run = aRun();
  await store.factLog.publish(run, { kind: "run.cancel", at: 1, message: "x" });
  expect(await read()).toBe(run.run);
});
