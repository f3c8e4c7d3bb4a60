/** One service has several addresses: its own, and the path by the front door. */
import { expect, test } from "vitest";
import { startRouter } from "../../harness/router.ts";
import { collect, openStore } from "../jetstream/open.ts";

const awake = (instance: string) => ({ instance, active: 0, max: 1, ready: true });

test("B1: a task counts for its instance whichever address it came to: the next one goes to the other instance", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const instances = { list: async () => [awake("one"), awake("other")] };
  await using router = await startRouter(store, "writer", { instances });
  const task = { prompt: "Write." };
  for (const way of ["own", "path"] as const) {
    expect((await router.post("round-robin", task, { way, mode: "async" })).status).toBe(202);
  }
  const taken = store.outbox.consume({ maxPending: 2, signal: AbortSignal.timeout(20_000) });
  const meant = (await collect(taken, 2)).map(({ value }) => value.cloudEvent.data);
  expect(meant).toMatchObject([{ via: { instance: "one" } }, { via: { instance: "other" } }]);
});
