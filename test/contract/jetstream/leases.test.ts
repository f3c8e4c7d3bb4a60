import { afterAll, beforeAll, expect, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import type { Lease, Leases, RunRef } from "#core/ports/record.ts";
import { aRun, connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
/** Of a process whose leases run out at once. */
let dying: JetStream;
beforeAll(async () => {
  opened = await openStore();
  dying = await connectStore(opened.nats, { leaseTtlMs: 1_000 });
});
afterAll(async () => {
  await dying.close();
  await opened[Symbol.asyncDispose]();
});

const key = { step: "write", iteration: 0, attempt: 0 };

async function taken(leases: Leases, run: RunRef): Promise<Lease> {
  for (;;) {
    const lease = await leases.take(run, key);
    if (lease === "revoked") throw new Error("revoked");
    if (lease !== "held") return lease;
    await delay(50);
  }
}

test("L1: one holder per attempt; other attempts are free", async () => {
  const { leases } = opened.store;
  const run = aRun();
  expect(await leases.take(run, key)).toBeTypeOf("object");
  expect(await leases.take(run, key)).toBe("held");
  expect(await leases.take(run, { ...key, attempt: 1 })).toBeTypeOf("object");
  expect(await leases.take(run, { ...key, iteration: 1 })).toBeTypeOf("object");
});

test("L1: of many takers at once, one gets it", async () => {
  await using other = await connectStore(opened.nats);
  const run = aRun();
  const tries = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? opened.store : other).leases.take(run, key)),
  );
  expect(tries.filter((lease) => lease !== "held")).toHaveLength(1);
});

test("L2: a holder that renews keeps its lease", async () => {
  const run = aRun();
  const lease = await taken(opened.store.leases, run);
  for (let count = 0; count < 3; count += 1) expect(await lease.renew()).toBe("held");
  expect(await opened.store.leases.take(run, key)).toBe("held");
});

test("a released lease is free at once, and its old holder has lost it", async () => {
  const { leases } = opened.store;
  const run = aRun();
  const lease = await taken(leases, run);
  await lease.release();
  expect(await lease.renew()).toBe("lost");
  expect(await leases.take(run, key)).toBeTypeOf("object");
});

test("L2: after its time to live another one gets the lease, and the first is lost for good", async () => {
  const { leases } = opened.store;
  const run = aRun();
  const first = await taken(dying.leases, run);
  const second = await taken(leases, run);
  expect(await first.renew()).toBe("lost");
  expect(await second.renew()).toBe("held");
  await second.release();
  expect(await first.renew()).toBe("lost");
  await first.release();
});

test("L2: a late holder's release does not take the lease from the next one", async () => {
  const { leases } = opened.store;
  const run = aRun();
  const first = await taken(dying.leases, run);
  const second = await taken(leases, run);
  await first.release();
  expect(await leases.take(run, key)).toBe("held");
  expect(await second.renew()).toBe("held");
});

test("L4: a revoked attempt is lost to its holder and to everyone", async () => {
  const { leases } = opened.store;
  const run = aRun();
  const lease = await taken(leases, run);
  await leases.revoke(run, key);
  expect(await lease.renew()).toBe("lost");
  expect(await leases.take(run, key)).toBe("revoked");
  await lease.release();
  expect(await leases.take(run, key)).toBe("revoked");
  const early = aRun();
  await leases.revoke(early, key);
  expect(await leases.take(early, key)).toBe("revoked");
});
