/** What a collector counts of facts that come more than once, on a real store. */
import { expect, test } from "vitest";
import type { Fact } from "#core/events/facts.ts";
import type { StoredFact } from "#core/ports/record.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { quiet } from "../harness/ark.ts";
import { collecting } from "../harness/collector.ts";
import { startOtlp } from "../harness/otlp.ts";
import { openStore } from "./jetstream/open.ts";

const RUN = { namespace: "default", run: "run-a", uid: "6b0c1f5e-8f6d-4c7a-9d43-0d9e1c3f7a11" };
const KEY = { step: "write", iteration: 0, attempt: 0 };
const SPEC = {
  teamRef: "blog",
  teamGeneration: 1,
  roles: [{ name: "write", arkAgent: "writer" }],
  pipeline: [{ role: "write", inputs: { prompt: "begin" } }],
};
const FACTS: readonly Fact[] = [
  { kind: "run.requested", at: 1_000, ...RUN, spec: SPEC, depth: 0, hop: 0 },
  { kind: "step.started", at: 3_000, ...KEY, instance: "one" },
  { kind: "step.finished", at: 8_000, ...KEY, outcome: { kind: "done", output: { inline: "a poem" } } },
];

test("N1: facts that come again, to this collector or to another, count nothing again", async () => {
  await using otlp = await startOtlp();
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    await using opened = await openStore();
    const { store } = opened;
    const stored: StoredFact[] = [];
    for (const fact of FACTS) stored.push({ ...RUN, fact, seq: (await store.factLog.publish(RUN, fact)).seq });
    const collector = () => collecting(store, { meters: metrics.meters });
    const one = collector();
    for (const collect of [one, one, collector()]) await collect(stored);
  }
  const role = { "ark.namespace": "default", "ark.team": "blog", "ark.role": "write" };
  const team = { "ark.namespace": "default", "ark.team": "blog" };
  const succeeded = { "ark.outcome": "succeeded" };
  expect(otlp.points().map(({ name, kind, value, attributes }) => ({ name, kind, value, attributes }))).toEqual([
    { name: "ark.run.duration", kind: "histogram", value: 7, attributes: { ...team, ...succeeded } },
    { name: "ark.step.attempts", kind: "counter", value: 1, attributes: { ...role, ...succeeded } },
    { name: "ark.step.duration", kind: "histogram", value: 7, attributes: { ...role, ...succeeded } },
    { name: "ark.step.queue_wait", kind: "histogram", value: 2, attributes: role },
  ]);
});
