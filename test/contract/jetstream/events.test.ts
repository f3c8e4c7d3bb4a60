import { afterAll, beforeAll, expect, test } from "vitest";
import type { AcceptedEvent, TriggerRecord } from "#core/ports/events.ts";
import { collect, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

let keys = 0;
function anEvent(over: Partial<AcceptedEvent> = {}): AcceptedEvent {
  keys += 1;
  return {
    namespace: "default",
    event: "hook",
    key: `key-${keys} ü\n`,
    firedAt: 1,
    cloudEvent: {
      specversion: "1.0",
      id: `id-${keys}`,
      source: "/hooks/ü",
      type: "dev.ark.webhook",
      data: { title: "Grüße" },
      extensions: { arkevent: "hook" },
    },
    ...over,
  };
}
const signal = () => AbortSignal.timeout(25_000);

test("P1: an event is stored once per ArkEvent and key; keys may be any text", async () => {
  const { outbox } = opened.store;
  const event = anEvent();
  const stored = await outbox.publish(event, "uid");
  expect(stored.kind).toBe("stored");
  expect(await outbox.publish(event, "uid")).toEqual({ kind: "duplicate", seq: stored.seq });
  expect((await outbox.publish(event, "another-uid")).kind).toBe("stored");
});

test("P1: an event comes again until it is confirmed, and then never", async () => {
  await using fresh = await openStore();
  const { outbox } = fresh.store;
  const [confirmed, waiting] = [anEvent(), anEvent()];
  const { seq } = await outbox.publish(confirmed, "uid");
  await outbox.publish(waiting, "uid");
  for (const delivery of await collect(outbox.consume({ maxPending: 10, signal: signal() }), 2)) delivery.nak(50);
  const stored = async () =>
    (await fresh.nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages;
  await outbox.confirm(seq, waiting.cloudEvent.id);
  expect(await stored()).toBe(2);
  await outbox.confirm(seq, confirmed.cloudEvent.id);
  await outbox.confirm(seq, confirmed.cloudEvent.id);
  expect(await stored()).toBe(1);
  const [again] = await collect(outbox.consume({ maxPending: 10, signal: signal() }), 1);
  expect(again?.value).toEqual(waiting);
  expect(again?.deliveries).toBeGreaterThan(1);
  await again?.ack();
  expect(await stored()).toBe(0);
});

test("triggers: put, replaced, deleted", async () => {
  const { triggers } = opened.store;
  const record: TriggerRecord = {
    namespace: "default",
    name: "hook",
    uid: "u",
    generation: 1,
    type: "webhook",
    suspended: false,
    concurrencyPolicy: "Allow",
    targets: [{ team: "t", hasInput: false }],
  };
  expect(await triggers.get("default", "hook")).toBeUndefined();
  await triggers.put(record);
  await triggers.put({ ...record, suspended: true });
  expect(await triggers.get("default", "hook")).toEqual({ ...record, suspended: true });
  await triggers.delete("default", "hook");
  await triggers.delete("default", "hook");
  expect(await triggers.get("default", "hook")).toBeUndefined();
});

test("idempotency: of many claims at once one wins, and all others get to know it", async () => {
  await using other = await connectStore(opened.nats);
  const value = { bodyDigest: "d", firedAt: 1, runs: ["r"], stored: false };
  const id = "default.any key: ü * > . \n";
  const claims = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      (index % 2 === 0 ? opened.store : other).idempotency.claim(id, { ...value, firedAt: index }),
    ),
  );
  const known = claims.flatMap((claim) => (claim.kind === "known" ? [claim.value.firedAt] : []));
  expect(known).toHaveLength(9);
  expect(new Set(known).size).toBe(1);
  await opened.store.idempotency.markStored(id, { ...value, stored: true });
  expect(await other.idempotency.get(id)).toEqual({ ...value, stored: true });
  expect(await other.idempotency.get("default.another")).toBeUndefined();
});

test("D47 Forbid: one holder, its own repeats are known, the last run frees the claim", async () => {
  const { locks } = opened.store;
  const claims = await Promise.all(["a", "b", "c"].map((holder) => locks.claim("default.hook", holder, ["r1", "r2"])));
  expect(claims.toSorted()).toEqual(["claimed", "held", "held"]);
  const holder = (await locks.holder("default.hook"))?.holder ?? "";
  expect(await locks.claim("default.hook", holder, ["r1", "r2"])).toBe("mine");
  await locks.release("default.hook", "unknown");
  await locks.release("default.hook", "r1");
  await locks.release("default.hook", "r1");
  expect(await locks.holder("default.hook")).toEqual({ holder, runs: ["r2"] });
  await locks.release("default.hook", "r2");
  expect(await locks.holder("default.hook")).toBeUndefined();
  expect(await locks.claim("default.hook", "d", ["r3"])).toBe("claimed");
});

test("D47: two runs of one claim that end at once both leave it", async () => {
  const { locks } = opened.store;
  const runs = Array.from({ length: 8 }, (_, index) => `r${index}`);
  await locks.claim("default.many", "a", runs);
  await Promise.all(runs.map((run) => locks.release("default.many", run)));
  expect(await locks.holder("default.many")).toBeUndefined();
});

test("dead letters: listed with their reason, counted by ArkEvent, a task's apart from an event's of the same name", async () => {
  await using fresh = await openStore();
  const { deadLetters } = fresh.store;
  const original = anEvent();
  const entry = {
    of: "event",
    namespace: "default",
    name: "hook",
    reason: "TeamNotFound",
    message: "no team x",
  } as const;
  await deadLetters.store({ ...entry, original, at: 7 }, "id-1");
  await deadLetters.store({ ...entry, original, at: 7 }, "id-1");
  await deadLetters.store({ ...entry, of: "task", original: { step: "write" }, at: 8 }, "id-2");
  const letters = await deadLetters.list("default", "hook");
  expect(letters).toMatchObject([
    { reason: "TeamNotFound", message: "no team x", original, at: 7 },
    { original: { step: "write" } },
  ]);
  expect(await deadLetters.list("elsewhere")).toEqual([]);
  expect(await deadLetters.list("default")).toHaveLength(2);
  const one = new Map([["default/hook", 1]]);
  expect(await deadLetters.census()).toEqual({ counts: one, tasks: one, newest: 2 });
});

test("R1: a dead letter goes back to the outbox once, for its own ArkEvent; later ones and unwanted ones stay", async () => {
  await using fresh = await openStore();
  const { deadLetters, outbox } = fresh.store;
  // As the dispatcher writes it: no time of the fire, and no key where the ArkEvent was not there.
  const { cloudEvent } = anEvent();
  const lost = (id: string) => ({ namespace: "default", event: "hook", cloudEvent: { ...cloudEvent, id } });
  const of = { namespace: "default", event: "hook" };
  for (const id of ["a", "b", "c"]) {
    const entry = {
      of: "event",
      namespace: "default",
      name: "hook",
      reason: "EventNotFound",
      message: "gone",
    } as const;
    await deadLetters.store({ ...entry, original: lost(id), at: 7 }, id);
  }
  expect(await deadLetters.replay(of, 2, ({ id }) => id !== "b")).toEqual({ sent: 1, left: 1, last: 1 });
  expect(await deadLetters.replay(of, 2, ({ id }) => id !== "b")).toEqual({ sent: 0, left: 1 });
  expect((await deadLetters.list("default", "hook")).map(({ seq }) => seq)).toEqual([2, 3]);
  const [delivery] = await collect(outbox.consume({ maxPending: 1, signal: signal() }), 1);
  const extensions = { ...cloudEvent.extensions, arkreplay: "default/hook", arkletter: "1" };
  expect(delivery?.value).toMatchObject({ ...lost("a"), cloudEvent: { ...cloudEvent, id: "a", extensions } });
});
