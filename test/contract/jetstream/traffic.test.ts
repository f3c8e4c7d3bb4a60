/** What passes the doors of the queues, as it is counted: by stream, never by subject, which would name runs. */
import { expect, test } from "vitest";
import type { Task } from "#core/events/tasks.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { quiet } from "../../harness/ark.ts";
import { startNats } from "../../harness/nats.ts";
import { startOtlp } from "../../harness/otlp.ts";

const RUN = { namespace: "default", run: "run-a", uid: "6b0c1f5e-8f6d-4c7a-9d43-0d9e1c3f7a11" };
const KEY = { step: "write", iteration: 0, attempt: 0 };
const TASK: Task = { ...RUN, ...KEY, agent: "writer", prompt: { inline: "go" }, budgets: [] };
const POOL = { namespace: "default", agent: "writer" };

test("C1, C2: each sending and delivery counts, each is processed once, and what is handed back says so", async () => {
  await using otlp = await startOtlp();
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    await using nats = await startNats();
    const signal = AbortSignal.timeout(60_000);
    await using js = await openJetStream({ url: nats.url, name: "test", signal, meters: metrics.meters });
    await js.provision();

    await js.tasks.publish(TASK);
    const first = await js.tasks.next(POOL, 5_000, signal);
    first?.nak();
    const second = await js.tasks.next(POOL, 5_000, signal);
    await second?.ack();
    await second?.ack();

    const fact = { kind: "step.finished", at: 1, ...KEY, outcome: { kind: "done", output: { inline: "x" } } } as const;
    expect((await js.factLog.publish(RUN, fact)).kind).toBe("stored");
    expect((await js.factLog.publish(RUN, fact)).kind).toBe("duplicate");
    for await (const delivery of js.factLog.consume({ maxPending: 1, signal })) {
      await delivery.ack();
      break;
    }
    await js.close();
    await expect(js.factLog.publish(RUN, fact)).rejects.toThrow();
  }
  const points = otlp.points();
  const seen = points.map(({ name, kind, unit, value, count, attributes }) => {
    const { "messaging.destination.name": stream, "error.type": error = "-", ...rest } = attributes;
    expect(rest).toEqual({ "messaging.system": "nats" });
    return [name, kind, unit, stream, error, kind === "histogram" ? count : value].map(String).join(" ");
  });
  expect(seen.toSorted()).toEqual([
    "messaging.client.consumed.messages counter {message} ARK_FACTS - 1",
    "messaging.client.consumed.messages counter {message} ARK_TASKS - 2",
    "messaging.client.sent.messages counter {message} ARK_FACTS - 2",
    "messaging.client.sent.messages counter {message} ARK_FACTS StoreUnavailable 1",
    "messaging.client.sent.messages counter {message} ARK_TASKS - 1",
    "messaging.process.duration histogram s ARK_FACTS - 1",
    "messaging.process.duration histogram s ARK_TASKS - 1",
    "messaging.process.duration histogram s ARK_TASKS handed_back 1",
  ]);
  expect(otlp.text()).not.toContain("run-a");
});
