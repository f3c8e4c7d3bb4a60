import { once } from "node:events";
import { expect, test } from "vitest";
import { type Delivery, type Lease, StoreUnavailable } from "#core/ports/record.ts";
import { hold } from "./holding.ts";

const DELIVERY: Delivery<unknown> = {
  value: undefined,
  seq: 1,
  deliveries: 1,
  ack: async () => {},
  nak: () => {},
  working: () => {},
};

function leased(renew: Lease["renew"], now: () => number = () => 0) {
  const lease: Lease = { renew, release: async () => {} };
  return hold(lease, DELIVERY, { heartbeatMs: 1, graceMs: 30, now });
}

test("L2: a refused renewal is a loss", async () => {
  const holding = leased(async () => "lost");
  await once(holding.signal, "abort");
  expect(holding.lost).toBe(true);
});

test("L5: a store that is away is no loss until the grace is over", async () => {
  let clock = 0;
  const beats: number[] = [];
  const holding = leased(
    () => {
      beats.push((clock += 10));
      return Promise.reject(new StoreUnavailable("away"));
    },
    () => clock,
  );
  await once(holding.signal, "abort");
  expect(beats).toEqual([10, 20, 30, 40]);
});

test("L6: a renewal that breaks is a loss with its reason, and nobody's unhandled rejection", async () => {
  const bug = new Error("a bug");
  const holding = leased(() => Promise.reject(bug));
  await once(holding.signal, "abort");
  expect(holding.signal.reason).toBe(bug);
});
