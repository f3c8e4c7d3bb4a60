import { afterAll, beforeAll, expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { aRun, type Opened, openStore } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore({ taskAckWaitMs: 60_000 });
});
afterAll(() => opened[Symbol.asyncDispose]());

const task = (agent: string, attempt: number): Task => ({
  ...aRun(),
  agent,
  step: "one",
  iteration: 0,
  attempt,
  prompt: { inline: "go" },
  budgets: [],
});

test("G1: a task counts from its publishing until it is settled, with and without a consumer", async () => {
  const { tasks, backlog, factLog, outbox } = opened.store;
  expect(await backlog.read()).toEqual({ tasks: [], facts: 0, events: 0, dead: 0 });
  await tasks.publish(task("writer", 1));
  await tasks.publish(task("writer", 2));
  await tasks.publish(task("editor", 1));
  const of = async () => Object.fromEntries((await backlog.read()).tasks.map(({ agent, count }) => [agent, count]));
  expect(await of()).toEqual({ writer: 2, editor: 1 });
  const pool = { namespace: "default", agent: "writer" };
  const taken = await tasks.next(pool, 5_000, AbortSignal.timeout(20_000));
  expect(await of()).toEqual({ writer: 2, editor: 1 });
  await taken?.ack();
  expect(await of()).toEqual({ writer: 1, editor: 1 });
  expect((await backlog.read()).dead).toBe(0);

  await factLog.publish(aRun(), { kind: "run.cancel", at: 1, message: "enough" });
  const event = { specversion: "1.0", id: "1", source: "/a", type: "t", extensions: {} } as const;
  const accepted = { namespace: "default", event: "e", key: "k", cloudEvent: event, firedAt: 1 };
  const { seq } = await outbox.publish(accepted, "uid");
  expect(await backlog.read()).toMatchObject({ facts: 1, events: 1 });
  await outbox.confirm(seq);
  expect(await backlog.read()).toMatchObject({ facts: 1, events: 0 });
});

test("tallies are written by revision", async () => {
  const { tallies, triggers } = opened.store;
  const tally = { uid: "u", count: 1, keys: ["a"] };
  expect(await tallies.get("default", "e")).toBeUndefined();
  expect(await tallies.put("default", "e", tally, 0)).toBe("stored");
  expect(await tallies.put("default", "e", { ...tally, count: 2 }, 0)).toBe("conflict");
  const stored = await tallies.get("default", "e");
  expect(stored?.tally).toEqual(tally);
  expect(await tallies.put("default", "e", { ...tally, count: 2 }, stored?.revision ?? 0)).toBe("stored");
  expect(await triggers.get("default", "e")).toBeUndefined();
  await tallies.delete("default", "e");
  expect(await tallies.get("default", "e")).toBeUndefined();
});
