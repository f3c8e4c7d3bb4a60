import { expect, test } from "vitest";
import { type AgentPool, type Load, planWakes } from "./plan.ts";

const SHARED = {
  dispatcher: { url: "http://dispatcher" },
  collector: { url: "http://collector", slots: 2 },
  relay: { url: "http://webhook" },
};
const IDLE: Load = { tasks: [], facts: 0, events: 0, dead: 0 };
const SCALE = { slots: 5, least: 0, most: 2, tasksEach: 5 };
const pool = (agent: string, scale: Partial<AgentPool["scale"]> = {}): AgentPool => ({
  namespace: "ns",
  agent,
  scale: { ...SCALE, ...scale },
  url: `http://${agent}`,
});

const wants = (pools: readonly AgentPool[], load: Partial<Load>, foreseen: readonly string[] = []) =>
  Object.fromEntries(
    planWakes(pools, { ...IDLE, ...load }, new Set(foreseen), SHARED)
      .filter(({ key, want }) => key !== "dispatcher" || want > 0)
      .map(({ key, want }) => [key, want]),
  );

test.each([
  ["nothing waits", 0, 0],
  ["less than its slots", 3, 3],
  ["as much as its slots", 10, 10],
  ["more than its slots (D8)", 5_000, 10],
])("W1: %s", (_name, count, want) => {
  const tasks = [{ namespace: "ns", agent: "a", count }];
  expect(wants([pool("a")], { tasks })).toEqual({ "ns/a": want, collector: 0, relay: 0 });
});

test("W1: tasks that each instance shall have waiting wake no further one", () => {
  const tasks = [{ namespace: "ns", agent: "a", count: 20 }];
  expect(wants([pool("a", { tasksEach: 20 })], { tasks })).toEqual({ "ns/a": 5, collector: 0, relay: 0 });
});

test("W2: a pool that is not there is not planned, whatever waits for it", () => {
  expect(wants([], { tasks: [{ namespace: "ns", agent: "gone", count: 9 }] })).toEqual({ collector: 0, relay: 0 });
});

test.each([
  ["facts", { facts: 1 }, { collector: 1, relay: 0 }],
  ["many facts", { facts: 900 }, { collector: 2, relay: 0 }],
  ["dead tasks, for the reaper", { dead: 1 }, { collector: 1, relay: 0 }],
  ["W3: unconfirmed events, which are facts soon", { events: 40 }, { collector: 1, relay: 1 }],
])("shared functions: %s", (_name, load, wanted) => {
  expect(wants([], load)).toEqual(wanted);
});

test("W4: what a fire is about to need has one slot, and no more than its work wants", () => {
  const foreseen = ["dispatcher", "collector", "ns/a", "ns/drained"];
  expect(wants([pool("a"), pool("b")], {}, foreseen)).toEqual({
    "ns/a": 1,
    "ns/b": 0,
    dispatcher: 1,
    collector: 1,
    relay: 0,
  });
  const tasks = [{ namespace: "ns", agent: "a", count: 3 }];
  expect(wants([pool("a")], { tasks, facts: 2 }, foreseen)).toEqual({
    "ns/a": 3,
    dispatcher: 1,
    collector: 2,
    relay: 0,
  });
});
