import { expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { aRun, collect, openStore } from "./open.ts";

const idle = new AbortController().signal;

function aTask(agent: string): Task {
  return { ...aRun(), agent, step: "write", iteration: 0, attempt: 0, prompt: { inline: "Hello" }, budgets: [] };
}

test("P4: of an agent that is gone, waiting tasks fail, those in hand are ended by their holder, then nothing is left", async () => {
  await using opened = await openStore();
  const { tasks, taskQueues, factLog, leases } = opened.store;
  const gone = { namespace: "default", agent: "gone" };
  const [held, pulled, waiting, other] = [aTask("gone"), aTask("gone"), aTask("gone"), aTask("other")];
  for (const task of [held, pulled, waiting, other]) await tasks.publish(task);
  const inHand = await tasks.next(gone, 10_000, idle);
  expect(inHand?.value).toEqual(held);
  const lease = await leases.take(held, held);
  if (typeof lease === "string") throw new Error(lease);
  const late = await tasks.next(gone, 10_000, idle);
  expect(await collect(taskQueues.pools(), 2)).toEqual([gone]);

  expect(await taskQueues.close(gone)).toEqual({ failed: 2, held: 1 });
  for (const task of [pulled, waiting])
    expect((await factLog.finished(task, task))?.fact).toMatchObject({
      outcome: { kind: "failed", code: "agent.deleted", message: expect.stringContaining("gone") },
    });
  expect(await factLog.finished(held, held)).toBeUndefined();
  // Whoever pulled it without a lease finds that there is nothing to do.
  expect(await leases.take(pulled, pulled)).toBe("revoked");
  await late?.ack();

  const { step, iteration, attempt } = held;
  const outcome = { kind: "done", output: { inline: "fine" } } as const;
  await factLog.publish(held, { kind: "step.finished", at: 1, step, iteration, attempt, outcome });
  await inHand?.ack();
  await lease.release();
  expect(await taskQueues.close(gone)).toEqual({ failed: 0, held: 0 });
  expect(await collect(taskQueues.pools(), 1)).toEqual([]);
  expect((await factLog.finished(held, held))?.fact).toMatchObject({ outcome: { kind: "done" } });
  expect((await tasks.next(other, 10_000, idle))?.value).toEqual(other);
});
