import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { wakesByHand } from "./wake-by-hand.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const POOL = { namespace: "ns", agent: "a" };

/** A pool that holds each wake until it is told to end it, and answers the first `refused` with 503. */
async function startPool(refused = 0) {
  const open = new Set<ServerResponse>();
  let came = 0;
  const server = createServer((_asked, answer) => {
    came += 1;
    if (came <= refused) return void answer.writeHead(503).end();
    open.add(answer);
    answer.once("close", () => open.delete(answer));
    answer.write('{"working":true}\n');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open,
    came: () => came,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const nobody = { ask: async () => "nobody" as const };

test("B2, B4: hints of one pool share one wake; drain lets go of it after its grace, and follows no hint then", async () => {
  await using pool = await startPool();
  const wakes = wakesByHand({ asks: nobody, addressOf: () => pool.url, log: quiet });
  for (let n = 0; n < 5; n += 1) wakes.hint(POOL);
  await expect.poll(() => pool.open.size, { timeout: 30_000 }).toBe(1);
  await wakes.drain(50);
  await expect.poll(() => pool.open.size, { timeout: 30_000 }).toBe(0);
  wakes.hint(POOL);
  await wakes.drain(50);
  expect(pool.came()).toBe(1);
});

test("B3: a wake that failed is tried again, until it is held", async () => {
  await using pool = await startPool(1);
  const wakes = wakesByHand({ asks: nobody, addressOf: () => pool.url, log: quiet });
  wakes.hint(POOL);
  await expect.poll(() => pool.open.size, { timeout: 30_000 }).toBe(1);
  expect(pool.came()).toBe(2);
  await wakes.drain(0);
});

test("B3: no wake lasts longer than it may", async () => {
  await using pool = await startPool();
  const wakes = wakesByHand({ asks: nobody, addressOf: () => pool.url, log: quiet, longestMs: 50 });
  wakes.hint(POOL);
  await wakes.drain(60_000);
  await expect.poll(() => pool.open.size, { timeout: 30_000 }).toBe(0);
});

test("B1: a hint that was heard, or for a pool of no address, holds nothing", async () => {
  await using pool = await startPool();
  const heard = wakesByHand({ asks: { ask: async () => "heard" }, addressOf: () => pool.url, log: quiet });
  const nowhere = wakesByHand({ asks: nobody, addressOf: () => undefined, log: quiet });
  for (const wakes of [heard, nowhere]) {
    wakes.hint(POOL);
    await wakes.drain(60_000);
  }
  expect(pool.came()).toBe(0);
});

test("B2: more pools than may be open wait for their turn", async () => {
  await using pool = await startPool();
  const addressOf = ({ agent }: { agent: string }) => `${pool.url}/${agent}`;
  const wakes = wakesByHand({ asks: nobody, addressOf, log: quiet, mostOpen: 1 });
  for (const agent of ["a", "b", "c"]) wakes.hint({ namespace: "ns", agent });
  await expect.poll(() => pool.open.size, { timeout: 30_000 }).toBe(1);
  const [first] = pool.open;
  first?.destroy();
  await expect.poll(() => pool.came(), { timeout: 30_000 }).toBe(2);
  await wakes.drain(50);
  expect(pool.came()).toBe(2);
});
