/** The queue is away for some seconds: no process spins, and work goes on when it is back (D9, P8). */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { cpuMs } from "../harness/cpu.ts";
import type { TestProcess } from "../harness/process.ts";
import { spawnRouter } from "../harness/router.ts";
import { startWorld } from "../harness/world.ts";

const FUNCTIONS = ["webhook", "dispatcher", "collector", "executor"] as const;
/** Long enough for pauses that grow: what a first try costs is a small part of it. */
const AWAY_MS = 12_000;
const SHARE = 0.05;

test("D9: while the queue is away each process takes less than 5 % of a core; then all goes on", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let inHand = 0;
  await using world = await startWorld({
    functions: FUNCTIONS,
    guests: true,
    script: ({ messages }) => {
      if (!JSON.stringify(messages).includes("slow")) return { text: "a poem" };
      inHand += 1;
      return { text: "a slow poem", until: held };
    },
  });
  const { router, ask } = await spawnRouter(world);
  const processes = { ...world.processes, router };
  await world.request("warm-run-aaaaaa");
  await world.ended("warm-run-aaaaaa");
  // Somebody waits at the router, and a task is in hand whose answer comes while the queue is away.
  const waiting = ask("slow");
  waiting.catch(() => undefined);
  await world.request("slow-run-aaaaaa", { prompt: "slow" });
  await expect.poll(() => inHand, { timeout: 30_000 }).toBe(2);

  await world.nats.stop();
  release();
  const before = await cpuOf(processes);
  // What is measured is this time: there is no fact to wait for.
  await delay(AWAY_MS);
  const after = await cpuOf(processes);
  await world.nats.restart();

  for (const [name, ms] of Object.entries(after))
    expect((ms ?? 0) - (before[name] ?? 0), `${name}, of ${AWAY_MS} ms`).toBeLessThan(AWAY_MS * SHARE);
  expect((await world.ended("slow-run-aaaaaa")).phase.kind).toBe("succeeded");
  await world.request("next-run-aaaaaa");
  expect((await world.ended("next-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(await waiting).toMatchObject({ status: "succeeded", output: "a slow poem" });
}, 120_000);

async function cpuOf(processes: Readonly<Record<string, TestProcess>>): Promise<Record<string, number | undefined>> {
  const used = Object.entries(processes).map(async ([name, { pid }]) => [name, await cpuMs(pid)] as const);
  return Object.fromEntries(await Promise.all(used));
}
