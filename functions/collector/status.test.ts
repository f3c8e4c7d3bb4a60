import { expect, test, vi } from "vitest";
import type { ArkRunStatus } from "#core/api/v1alpha1/ark-run.ts";
import type { RunRequested, Fact } from "#core/events/facts.ts";
import { evolve } from "#core/pipeline/evolve.ts";
import { plan } from "#core/pipeline/plan.ts";
import { start } from "#core/pipeline/start.ts";
import type { Logger } from "#core/ports/log.ts";
import type { RunStatusSink } from "#core/ports/objects.ts";
import { createStatusWriter, STATUS_TIMER, type StatusWriterOptions } from "./status.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

const requested: RunRequested = {
  kind: "run.requested",
  at: 1_000,
  namespace: "ns",
  run: "r",
  uid: "u",
  spec: { agent: "writer", prompt: "hello" },
  depth: 0,
  hop: 0,
};
const planned = plan(requested.spec);
if (planned.kind !== "graph") throw new Error("no graph");
const { graph } = planned;
const running = start(requested, graph);
const finished: Fact = {
  kind: "step.finished",
  at: 2_000,
  step: "writer",
  iteration: 0,
  attempt: 0,
  outcome: { kind: "done", output: { inline: "hi" } },
};
const folded = evolve(graph, running, finished, new Map());
if (folded.kind !== "changed") throw new Error("not folded");
const ended = folded.state;

function setUp(write: () => Promise<{ kind: "updated" | "conflict" | "absent" }>) {
  const phases: (string | undefined)[] = [];
  const timers: string[] = [];
  let clock = 0;
  const options: StatusWriterOptions = {
    sink: {
      writeStatus: (async (_kind: string, _key: unknown, status: ArkRunStatus) => {
        phases.push(status.phase);
        return write();
      }) as unknown as RunStatusSink["writeStatus"],
    },
    timers: { set: async (_run, timer) => void timers.push(timer), clear: async () => {} },
    now: () => clock,
    log: silent,
    everyMs: 250,
    owedMs: 10_000,
  };
  const advance = async (ms: number): Promise<void> => {
    clock += ms;
    await vi.advanceTimersByTimeAsync(ms);
  };
  return { writer: createStatusWriter(options), phases, timers, advance };
}

const updated = async () => ({ kind: "updated" as const });

test("W1: a run that is quickly over is written once; facts are acknowledged after it", async () => {
  vi.useFakeTimers();
  const { writer, phases, advance } = setUp(updated);
  const shown: string[] = [];
  writer.show(graph, running, () => shown.push("first"));
  await advance(100);
  expect(phases).toEqual([]);
  writer.show(graph, ended, () => shown.push("last"));
  await advance(0);
  expect(phases).toEqual(["Succeeded"]);
  expect(shown).toEqual(["first", "last"]);
  vi.useRealTimers();
});

test("W1: the last status waits until the write before it is old enough", async () => {
  vi.useFakeTimers();
  const { writer, phases, advance } = setUp(updated);
  writer.show(graph, running, () => {});
  await advance(250);
  writer.show(graph, ended, () => {});
  await advance(249);
  expect(phases).toEqual(["Running"]);
  await advance(1);
  expect(phases).toEqual(["Running", "Succeeded"]);
  vi.useRealTimers();
});

test("W3, P8: while the sink is away a timer is set and the fact acknowledged", async () => {
  vi.useFakeTimers();
  const { writer, timers, advance } = setUp(async () => {
    throw new Error("API server away");
  });
  const shown: string[] = [];
  writer.show(graph, ended, () => shown.push("last"));
  await advance(0);
  expect(timers).toEqual([STATUS_TIMER]);
  expect(shown).toEqual(["last"]);
  vi.useRealTimers();
});

test("K5: a flush shows what waits, at once", async () => {
  const { writer, phases } = setUp(updated);
  const shown: string[] = [];
  writer.show(graph, running, () => shown.push("first"));
  await writer.flush();
  expect(phases).toEqual(["Running"]);
  expect(shown).toEqual(["first"]);
  await writer.flush();
  expect(phases).toEqual(["Running"]);
});
