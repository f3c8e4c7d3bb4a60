/** Traces and metrics of our functions as processes: what each one did arrives, also when they stop or are killed. */
import { expect, test } from "vitest";
import { startOtlp } from "../harness/otlp.ts";
import { startWorld } from "../harness/world.ts";

const LINE = ["collector", "executor"] as const;

test("each process, as it is deployed, sends its part of a trace before it ends", async () => {
  await using otlp = await startOtlp();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url };
  await using world = await startWorld({ functions: LINE, script: [{ text: "A poem." }], env, bundled: true });
  await world.request("traced-run-aaaaaa");
  const { uid } = await world.ended("traced-run-aaaaaa");
  expect(await Promise.all(LINE.map((name) => world.processes[name].stop()))).toEqual([0, 0]);
  const spans = otlp.spans();
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const lines = spans.map(({ service, name, parent }) => `${service}: ${name} < ${names.get(parent) ?? "-"}`);
  expect(lines.toSorted()).toEqual([
    "ark-collector: ark.run < -",
    "ark-executor: ark.step writer < ark.run",
    "ark-executor: chat mock < invoke_agent writer",
    "ark-executor: invoke_agent writer < ark.step writer",
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([uid.replaceAll("-", "")]));
  // A minute lies between two exports: these are the last values, which a stop sends.
  expect(otlp.points().map(({ service, name, count }) => `${service}: ${name} ${count}`)).toEqual(
    expect.arrayContaining([
      "ark-collector: ark.run.duration 1",
      "ark-collector: ark.step.duration 1",
      "ark-executor: gen_ai.client.operation.duration 1",
    ]),
  );
});

test("P3: a turn that is replayed after a kill makes no second span, and counts as no second call", async () => {
  await using otlp = await startOtlp();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url };
  let asked = (): void => {};
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  let calls = 0;
  await using world = await startWorld({
    functions: LINE,
    leaseSeconds: 2,
    env,
    // The second call hangs: its executor is killed with the first turn on the record.
    script: () => {
      calls += 1;
      if (calls === 2) asked();
      if (calls === 1) return { toolCalls: [{ name: "nowhere" }] };
      return calls === 2 ? { hang: true } : { text: "A poem." };
    },
  });
  await world.request("killed-run-aaaaaa");
  await arrived;
  await world.processes.executor.kill();
  await world.processes.executor.start();
  await world.ended("killed-run-aaaaaa");
  await world.processes.executor.stop();
  // The killed process never ended its step: the one that arrived is the second process's.
  const spans = otlp.spans();
  const [step, ...otherSteps] = spans.filter(({ name }) => name === "ark.step writer");
  const [agent, ...otherAgents] = spans.filter(({ parent }) => parent === step?.spanId);
  expect([...otherSteps, ...otherAgents]).toEqual([]);
  expect(spans.filter(({ parent }) => parent === agent?.spanId).map(({ name }) => name)).toEqual(["chat mock"]);
  expect(calls).toBe(3);
  const called = otlp.points().filter(({ name }) => name === "gen_ai.client.operation.duration");
  expect(called.map(({ count }) => count)).toEqual([1]);
});

test("O2: a collector that is away costs no run and no clean end", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  await using world = await startWorld({ functions: LINE, script: [{ text: "A poem." }], env });
  await world.request("away-run-aaaaaa");
  expect((await world.ended("away-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(await Promise.all(LINE.map((name) => world.processes[name].stop()))).toEqual([0, 0]);
  const said = world.processes.executor.output();
  expect(said).toContain("spans could not be exported");
  expect(said).toContain("metrics could not be exported");
});
