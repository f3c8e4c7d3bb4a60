/** P8: functions that sleep, and nobody but themselves to wake them. */
import { expect, test } from "vitest";
import { startSwitchboard, type Switchboard } from "../harness/switchboard.ts";
import { declareWebhook } from "../harness/webhook-event.ts";
import { AGENT, NAMESPACE, startWorld, type World } from "../harness/world.ts";

const LINE = ["webhook", "dispatcher", "collector", "executor"] as const;
const TOKEN = "correct-horse-battery-staple";
const EVENT = "greet";
const PATIENCE = { timeout: 90_000, interval: 100 };

type Line = World<(typeof LINE)[number]>;

async function startLine(board: Switchboard): Promise<Line> {
  const world = await startWorld({
    functions: LINE,
    script: () => ({ text: "A poem." }),
    env: {
      ARK_MODE: "wake",
      ARK_IDLE_SECONDS: "1",
      ARK_POOL_URL: `${board.url}/{namespace}/{agent}`,
      ARK_COLLECTOR_URL: `${board.url}/collector`,
      ARK_WEBHOOK_URL: `${board.url}/relay`,
    },
  });
  const { collector, executor, webhook } = world.processes;
  board.connect({
    collector: () => collector.url,
    relay: () => webhook.url,
    [POOL]: () => executor.url,
  });
  const targets = [{ agent: AGENT, prompt: "Note {{ .trigger.body.topic }}" }];
  await declareWebhook(world.js, { namespace: NAMESPACE, name: EVENT, token: TOKEN, targets });
  return world;
}

const POOL = `${NAMESPACE}/${AGENT}`;

async function fire({ processes }: Line, topic: string): Promise<string> {
  const response = await fetch(`${processes.webhook.url}/triggers/${NAMESPACE}/${EVENT}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ topic }),
    signal: AbortSignal.timeout(30_000),
  });
  expect(response.status).toBe(202);
  const { runs } = (await response.json()) as { runs: readonly string[] };
  return runs[0] ?? "";
}

const ended = (world: Line, run: string) => world.ended(run, AbortSignal.timeout(90_000));

test("P8, D13: without an operator a fire ends its run, and so does one after everybody fell asleep", async () => {
  await using board = await startSwitchboard();
  await using world = await startLine(board);
  const idle = () => board.open("collector") + board.open(POOL);

  expect((await ended(world, await fire(world, "rain"))).phase.kind).toBe("succeeded");
  await expect.poll(idle, PATIENCE).toBe(0);
  const before = board.wakes().length;
  expect((await ended(world, await fire(world, "snow"))).phase.kind).toBe("succeeded");
  expect(board.wakes().slice(before)).toEqual(expect.arrayContaining(["collector", POOL]));
  // The event keeps the webhook function awake that has to bring it to the Broker.
  expect(board.wakes()).toContain("relay");
  expect(world.model.requests()).toHaveLength(2);
}, 240_000);

test("P8: many runs at once open one wake for each pool and process", async () => {
  await using board = await startSwitchboard();
  await using world = await startLine(board);
  const runs = await Promise.all(Array.from({ length: 12 }, (_, n) => fire(world, String(n))));
  for (const run of runs) expect((await ended(world, run)).phase.kind).toBe("succeeded");
  // Dispatcher and executor wake the collector, the collector alone wakes the agent, the webhook and it the relay.
  expect(board.most("collector")).toBeLessThanOrEqual(2);
  expect(board.most(POOL)).toBe(1);
  expect(board.most("relay")).toBeLessThanOrEqual(2);
  expect(world.model.requests()).toHaveLength(12);
}, 240_000);

test("where somebody hears the hints no wake is held by hand", async () => {
  await using board = await startSwitchboard();
  await using world = await startLine(board);
  const stop = new AbortController();
  const heard = new Set<string>();
  const listening = (async () => {
    for await (const { agent } of world.js.wakes.watch(stop.signal)) {
      heard.add(agent);
      const { collector, executor } = world.processes;
      const url = { "-": collector.url, [AGENT]: executor.url }[agent];
      if (url !== undefined) void drop(`${url}/wake`, stop.signal);
    }
  })();
  // A subscription that stands answers.
  const { js } = world;
  await expect.poll(() => js.wakes.ask({ namespace: "nobody", agent: "nobody" }), PATIENCE).toBe("heard");
  expect((await ended(world, await fire(world, "rain"))).phase.kind).toBe("succeeded");
  expect([...heard]).toEqual(expect.arrayContaining(["-", "-relay", AGENT]));
  expect(board.wakes()).toEqual([]);
  stop.abort();
  await listening;
}, 240_000);

async function drop(url: string, signal: AbortSignal): Promise<void> {
  try {
    await (await fetch(url, { method: "POST", signal })).text();
  } catch {
    // Its process or this test ended first.
  }
}
