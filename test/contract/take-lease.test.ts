/** An executor's way to its lease, on a real store: what stands in it passes. */
import { expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { type FactLog, StoreUnavailable } from "#core/ports/record.ts";
import { sleep } from "#platform/process/sleep.ts";
import { takeLease } from "../../functions/executor/take-lease.ts";
import { quiet } from "../harness/ark.ts";
import { aRun, openStore } from "./jetstream/open.ts";

test("P8: a record that is away for a moment leaves no lease behind that stands in the way of the next try", async () => {
  await using opened = await openStore();
  const { store } = opened;
  let away = 1;
  const finished: FactLog["finished"] = (run, key) =>
    (away -= 1) >= 0 ? Promise.reject(new StoreUnavailable("away")) : store.factLog.finished(run, key);
  const deps = { leases: store.leases, facts: { finished }, sleep, random: () => 0, log: quiet };
  const value: Task = {
    ...aRun(),
    step: "write",
    iteration: 0,
    attempt: 0,
    agent: "writer",
    prompt: { inline: "Write." },
    budgets: [],
  };
  const delivery = { value, seq: 1, deliveries: 1, ack: async () => {}, nak() {}, working() {} };
  // A lease that is left lives longer than this.
  expect(await takeLease(delivery, deps, AbortSignal.timeout(15_000))).toMatchObject({ kind: "taken" });
});
