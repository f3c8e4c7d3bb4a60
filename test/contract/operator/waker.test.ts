import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { Backlog } from "#core/ports/record.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { hold } from "#platform/http/hold.ts";
import { apiMeters } from "#platform/telemetry/metrics.ts";
import { planWakes } from "../../../operator/waker/plan.ts";
import { wake, type WakerDeps } from "../../../operator/waker/waker.ts";
import { startHttp } from "../../harness/http.ts";
import { openStore } from "../jetstream/open.ts";
import { QUIET } from "./quiet.ts";

const POLL = { timeout: 60_000, interval: 10 };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A function that holds every wake until the test ends it, or answers as it is told. */
async function startFunction() {
  const open = new Set<ServerResponse>();
  let most = 0;
  let asked = 0;
  let refuse = false;
  const { url, [Symbol.asyncDispose]: end } = await startHttp((request, response) => {
    asked += 1;
    expect(`${request.method} ${request.url}`).toBe("POST /wake");
    if (refuse) return void response.writeHead(503).end();
    response.writeHead(200).write("{}\n");
    open.add(response);
    most = Math.max(most, open.size);
    response.on("close", () => open.delete(response));
  });
  cleanups.push(end);
  return {
    url,
    open: () => open.size,
    most: () => most,
    asked: () => asked,
    endOne: () => [...open][0]?.end(),
    refuse: (value: boolean) => (refuse = value),
  };
}

type World = { count: number; slots: number; away: boolean; looks: number };
const worldOf = (count: number, slots: number): World => ({ count, slots, away: false, looks: 0 });

/** Two whole looks at the queues later. */
async function twoLooks(world: World): Promise<void> {
  const at = world.looks;
  await expect.poll(() => world.looks, POLL).toBeGreaterThan(at + 2);
}

async function startWaker(world: World, url: string, options: Partial<WakerDeps> = {}) {
  const stop = new AbortController();
  const backlog: Backlog = {
    read: async () => {
      world.looks += 1;
      if (world.away) throw new StoreUnavailable("away");
      return { tasks: [{ namespace: "ns", agent: "a", count: world.count }], facts: 0, events: 0, dead: 0 };
    },
  };
  const shared = { dispatcher: { url }, collector: { url, slots: 1 }, relay: { url } };
  const running = wake(
    {
      backlog,
      hints: { watch: async function* () {} },
      fires: { watch: async function* () {} },
      plan: (load, fires) => {
        const scale = { slots: world.slots, least: 0, most: 1, tasksEach: world.slots };
        const pools = world.slots === 0 ? [] : [{ namespace: "ns", agent: "a", url, scale }];
        return planWakes(pools, load, new Set(fires.map(({ namespace, event }) => `${namespace}/${event}`)), shared);
      },
      hold,
      onLoad: () => {},
      random: () => 0,
      meters: apiMeters(),
      log: QUIET,
      everyMs: 20,
      backoffMs: { first: 10, most: 50 },
      ...options,
    },
    stop.signal,
  );
  const end = async () => {
    stop.abort();
    await running;
  };
  cleanups.push(end);
  return { end };
}

test("K1, E10: as many wakes are open as there is work, never more than slots; one that ends is opened again", async () => {
  const pods = await startFunction();
  const world = worldOf(0, 3);
  await startWaker(world, pods.url);
  world.count = 2;
  await expect.poll(pods.open, POLL).toBe(2);
  world.count = 50;
  await expect.poll(pods.open, POLL).toBe(3);
  const before = pods.asked();
  pods.endOne();
  await expect.poll(pods.asked, POLL).toBe(before + 1);
  await expect.poll(pods.open, POLL).toBe(3);
  world.count = 1;
  await twoLooks(world);
  expect({ open: pods.open(), most: pods.most() }).toEqual({ open: 3, most: 3 });
});

test("W2: a pool that is let go is closed; the end of the waker closes all", async () => {
  const pods = await startFunction();
  const world = worldOf(9, 2);
  const waker = await startWaker(world, pods.url);
  await expect.poll(pods.open, POLL).toBe(2);
  world.slots = 0;
  await expect.poll(pods.open, POLL).toBe(0);
  world.slots = 2;
  await expect.poll(pods.open, POLL).toBe(2);
  await waker.end();
  await expect.poll(pods.open, POLL).toBe(0);
});

test("K2: a function that refuses is asked again, ever more slowly, and held once it takes a wake", async () => {
  const pods = await startFunction();
  pods.refuse(true);
  await startWaker(worldOf(1, 1), pods.url);
  await expect.poll(pods.asked, POLL).toBeGreaterThan(3);
  pods.refuse(false);
  await expect.poll(pods.open, POLL).toBe(1);
});

test("K3: queues that cannot be read change nothing", async () => {
  const pods = await startFunction();
  const world = worldOf(2, 2);
  await startWaker(world, pods.url);
  await expect.poll(pods.open, POLL).toBe(2);
  world.away = true;
  await twoLooks(world);
  expect(pods.open()).toBe(2);
  world.away = false;
  world.slots = 1_000;
  world.count = 4;
  await expect.poll(pods.open, POLL).toBe(4);
});

test("a hint on the real queue wakes at once, long before the next look", async () => {
  const pods = await startFunction();
  const { store, ...opened } = await openStore();
  cleanups.push(async () => opened[Symbol.asyncDispose]());
  const world = worldOf(0, 1);
  await startWaker(world, pods.url, { hints: store.wakes, everyMs: 3_600_000 });
  await expect.poll(() => world.looks, POLL).toBe(1);
  world.count = 1;
  const hinting = setInterval(() => store.wakes.hint({ namespace: "ns", agent: "a" }), 20);
  cleanups.push(async () => clearInterval(hinting));
  await expect.poll(pods.open, POLL).toBe(1);
});

test("W4: a fire that is hinted at wakes one slot of the pool before there is work, and no second one", async () => {
  const pods = await startFunction();
  const { store, ...opened } = await openStore();
  cleanups.push(async () => opened[Symbol.asyncDispose]());
  const world = worldOf(0, 2);
  await startWaker(world, pods.url, { fires: store.fireHints, everyMs: 3_600_000 });
  await expect.poll(() => world.looks, POLL).toBe(1);
  const hinting = setInterval(() => store.fireHints.send({ namespace: "ns", event: "a" }), 20);
  cleanups.push(async () => clearInterval(hinting));
  await expect.poll(pods.open, POLL).toBe(1);
  await twoLooks(world);
  expect([pods.most(), pods.asked()]).toEqual([1, 1]);
});

test("K4: hints that come fast share a look", async () => {
  const pods = await startFunction();
  const { store, ...opened } = await openStore();
  cleanups.push(async () => opened[Symbol.asyncDispose]());
  const world = worldOf(0, 1);
  const began = performance.now();
  await startWaker(world, pods.url, { hints: store.wakes, everyMs: 3_600_000 });
  await expect.poll(() => world.looks, POLL).toBe(1);
  const hinting = setInterval(() => store.wakes.hint({ namespace: "ns", agent: "a" }), 1);
  cleanups.push(async () => clearInterval(hinting));
  await expect.poll(() => world.looks, POLL).toBeGreaterThan(10);
  expect(world.looks).toBeLessThanOrEqual(2 + (performance.now() - began) / 50);
});
