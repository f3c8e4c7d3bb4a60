import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import type { Instance } from "#core/ports/services.ts";
import { createPresence } from "./presence.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const POOL = { namespace: "ns", agent: "writer" };

/** A presence whose pauses end when the test says so, or by a change; `said` is all that routers were told. */
function setUp(away = false) {
  const said: string[] = [];
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  const world = { busy: 0, away };
  const tell = async (words: string): Promise<void> => {
    if (world.away) throw new Error("no store");
    said.push(words);
  };
  const self = (): Instance => ({ instance: "pod", active: world.busy, max: 4, ready: true });
  const presence = createPresence(POOL, self, {
    instances: {
      announce: async (_pool, { active }) => tell(`busy ${active}`),
      leave: async (_pool, instance) => tell(`${instance} left`),
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        pauses.push({ ms, end: resolve });
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    log: silent,
  });
  const stop = new AbortController();
  const ended = presence.run(stop.signal);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  /** Ends the newest pause; gives its length. */
  const pass = async (): Promise<number | undefined> => {
    await settle();
    const pause = pauses.at(-1);
    pause?.end();
    await settle();
    return pause?.ms;
  };
  return { presence, world, said, stop, ended, pass, settle };
}

test("E1: it is said at once, at each change, and at a beat while nothing changes", async () => {
  const { presence, world, said, pass, settle } = setUp();
  expect(await pass()).toBe(100);
  expect(said).toEqual(["busy 0"]);
  expect(await pass()).toBe(5_000);
  expect(said).toEqual(["busy 0", "busy 0"]);
  await pass();
  world.busy = 1;
  presence.changed();
  await settle();
  expect(said.at(-1)).toBe("busy 1");
  expect(said).toHaveLength(3);
});

test("E1: changes that come fast are told together, none is left out", async () => {
  const { presence, world, said, pass, settle } = setUp();
  await settle();
  for (world.busy = 1; world.busy < 4; world.busy += 1) presence.changed();
  expect(said).toEqual(["busy 0"]);
  expect(await pass()).toBe(100);
  expect(said).toEqual(["busy 0", "busy 4"]);
});

test("E2: what could not be said is said at the next beat", async () => {
  const { world, said, pass } = setUp(true);
  await pass();
  await pass();
  expect(said).toEqual([]);
  world.away = false;
  await pass();
  expect(await pass()).toBe(5_000);
  expect(said).toEqual(["busy 0"]);
});

test.each([
  [false, ["busy 0", "pod left"]],
  [true, ["busy 0"]],
])("E2: at the end it takes its leave, and never rejects; the store away: %s", async (away, wanted) => {
  const { world, said, stop, ended, settle } = setUp();
  await settle();
  world.away = away;
  stop.abort();
  await ended;
  expect(said).toEqual(wanted);
});
