import { afterAll, beforeAll, expect, test } from "vitest";
import { handSubject } from "#core/events/subjects.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Delivery } from "#core/ports/record.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { aRun, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
let other: JetStream;
beforeAll(async () => {
  opened = await openStore();
  other = await connectStore(opened.nats);
});
afterAll(async () => {
  await other.close();
  await opened[Symbol.asyncDispose]();
});

const pool = { namespace: "default", agent: "writer" };

test("those that are awake are listed, by pool, each with its newest word", async () => {
  const { instances } = opened.store;
  await instances.announce(pool, { instance: "a", active: 0, max: 5, ready: true });
  await other.instances.announce(pool, { instance: "b", active: 1, max: 5, ready: false });
  await other.instances.announce({ ...pool, agent: "painter" }, { instance: "c", active: 0, max: 1, ready: true });
  await instances.announce(pool, { instance: "a", active: 3, max: 5, ready: true });
  const found = await other.instances.list(pool);
  expect(found.toSorted((x, y) => (x.instance < y.instance ? -1 : 1))).toEqual([
    { instance: "a", active: 3, max: 5, ready: true },
    { instance: "b", active: 1, max: 5, ready: false },
  ]);
  await instances.leave(pool, "a");
  expect((await other.instances.list(pool)).map(({ instance }) => instance)).toEqual(["b"]);
});

function aTask(agent: string): Task {
  return { ...aRun(), agent, step: "write", iteration: 0, attempt: 0, prompt: { inline: "Hello" }, budgets: [] };
}

/** Offered until somebody listens: a subscription has no other sign. */
async function offered(to: string, delivery: Delivery<Task>, agent: string): Promise<void> {
  while ((await opened.store.handOver.offer({ ...pool, agent }, to, delivery)) !== "taken");
}

test("G1: a task is handed over with its delivery, and settled by whoever took it", async () => {
  const { tasks } = opened.store;
  const task = aTask("handed");
  await tasks.publish(task);
  const pulled = await tasks.next(task, 10_000, new AbortController().signal);
  if (pulled === undefined) throw new Error("no task");
  const stop = new AbortController();
  let taken: Delivery<Task> | undefined;
  const listening = other.handOver.receive(
    { ...pool, agent: "handed" },
    "b",
    (delivery) => {
      taken = delivery;
      return "taken";
    },
    stop.signal,
  );
  await offered("b", pulled, "handed");
  expect(taken).toMatchObject({ value: task, seq: pulled.seq, deliveries: 1 });
  taken?.working();
  await taken?.ack();
  expect(await tasks.pending(task)).toEqual({ waiting: 0, running: 0 });
  stop.abort();
  await listening;
});

test("G1: whoever took it may give it back", async () => {
  const { tasks } = opened.store;
  const task = aTask("returned");
  await tasks.publish(task);
  const pulled = await tasks.next(task, 10_000, new AbortController().signal);
  if (pulled === undefined) throw new Error("no task");
  const stop = new AbortController();
  const listening = other.handOver.receive(
    { ...pool, agent: "returned" },
    "b",
    (delivery) => {
      delivery.nak();
      return "taken";
    },
    stop.signal,
  );
  await offered("b", pulled, "returned");
  const again = await tasks.next(task, 20_000, new AbortController().signal);
  expect(again?.deliveries).toBe(2);
  await again?.ack();
  stop.abort();
  await listening;
});

test("nobody under that name, or no room there: it stays with whoever pulled it", async () => {
  const { tasks, handOver } = opened.store;
  const task = aTask("kept");
  await tasks.publish(task);
  const pulled = await tasks.next(task, 10_000, new AbortController().signal);
  if (pulled === undefined) throw new Error("no task");
  expect(await handOver.offer({ ...pool, agent: "kept" }, "gone", pulled)).toBe("refused");
  const stop = new AbortController();
  let heard = false;
  const full = () => {
    heard = true;
    return "refused" as const;
  };
  const listening = other.handOver.receive({ ...pool, agent: "kept" }, "b", full, stop.signal);
  while (!heard) expect(await handOver.offer({ ...pool, agent: "kept" }, "b", pulled)).toBe("refused");
  await pulled.ack();
  stop.abort();
  await listening;
});

test.each(["no json", "{}", JSON.stringify({ task: {}, settle: "s" }), JSON.stringify({ task: aTask("odd") })])(
  "G3: what is no parcel is refused, and the next task is taken: %s",
  async (odd) => {
    const { tasks } = opened.store;
    const task = aTask("odd");
    await tasks.publish(task);
    const pulled = await tasks.next(task, 10_000, new AbortController().signal);
    if (pulled === undefined) throw new Error("no task");
    const stop = new AbortController();
    const listening = other.handOver.receive({ ...pool, agent: "odd" }, "b", () => "taken", stop.signal);
    const nc = await opened.nats.connect();
    const subject = handSubject({ ...pool, agent: "odd" }, "b");
    const say = () => nc.request(subject, odd, { timeout: 30_000 });
    let answer = await say().catch(() => undefined);
    while (answer === undefined) answer = await say().catch(() => undefined);
    expect(answer.string()).toBe("refused");
    await offered("b", pulled, "odd");
    await pulled.ack();
    stop.abort();
    await listening;
  },
);

test("what a router must know of its service is stored beside the events' records", async () => {
  const record = {
    namespace: "default",
    name: "writing",
    uid: "u",
    generation: 1,
    agent: "writer",
    strategy: "random",
    protocols: ["HTTP"],
    tokenDigest: "sha256:00",
  } as const;
  await opened.store.services.put(record);
  expect(await other.services.get("default", "writing")).toEqual(record);
  expect(await other.triggers.get("default", "writing")).toBeUndefined();
  await opened.store.services.delete("default", "writing");
  expect(await other.services.get("default", "writing")).toBeUndefined();
});
