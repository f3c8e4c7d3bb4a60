/** What a collector counts of facts that come more than once, on a real store. */
import { expect, test } from "vitest";
import type { Fact } from "#core/events/facts.ts";
import type { Delivery, StoredFact } from "#core/ports/record.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { sleep } from "#platform/process/sleep.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import { createCollector } from "../../functions/collector/collect.ts";
import { handleFacts } from "../../functions/collector/handler.ts";
import { quiet } from "../harness/ark.ts";
import { startNats } from "../harness/nats.ts";
import { startOtlp } from "../harness/otlp.ts";

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
    await using nats = await startNats();
    await using js = await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(60_000) });
    await js.provision();
    const collector = () =>
      createCollector({
        facts: js.factLog,
        states: js.runStates,
        tasks: js.tasks,
        leases: js.leases,
        outputs: js.outputs,
        timers: js.timers,
        outbox: js.outbox,
        locks: js.locks,
        wakes: js.wakes,
        status: js.objects,
        now: () => 10_000,
        random: () => 0,
        sleep,
        spans: apiSpans(),
        meters: metrics.meters,
        log: quiet,
      });
    const stored: StoredFact[] = [];
    for (const fact of FACTS) stored.push({ ...RUN, fact, seq: (await js.factLog.publish(RUN, fact)).seq });
    const one = collector();
    for (const collecting of [one, one, collector()]) {
      await handleFacts(stored.map(delivered), collecting.deps, AbortSignal.timeout(30_000));
      await collecting.deps.writer.flush();
    }
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

function delivered(value: StoredFact): Delivery<StoredFact> {
  return { value, seq: value.seq, deliveries: 1, ack: async () => {}, nak() {}, working() {} };
}
