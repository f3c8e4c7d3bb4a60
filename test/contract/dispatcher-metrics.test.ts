/** Fires as they are counted, over real HTTP and a real store: each once, whatever was asked for or delivered how often. */
import { expect, test } from "vitest";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { toBinaryMessage } from "#platform/http/cloud-events.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { type Door, openDoor, quiet, TOKEN } from "../harness/door.ts";
import { startOtlp } from "../harness/otlp.ts";

const order = (id: string): CloudEventRecord => ({
  specversion: "1.0",
  id,
  source: "/shop",
  type: "order",
  data: {},
  extensions: {},
});

/** What was counted by the end of `work`, by outcome. */
async function counted(work: (door: Door) => Promise<void>): Promise<Readonly<Record<string, unknown>>> {
  await using otlp = await startOtlp();
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    await using door = await openDoor({ meters: metrics.meters });
    await work(door);
  }
  const points = otlp.points();
  expect(new Set(points.map(({ name, kind, unit }) => `${name} ${kind} ${unit}`))).toEqual(
    new Set(["ark.event.fires counter {fire}"]),
  );
  return Object.fromEntries(
    points.map(({ value, attributes }) => [
      `${String(attributes["ark.namespace"])}/${String(attributes["ark.event"])} ${String(attributes["ark.outcome"])}`,
      value,
    ]),
  );
}

async function deliver(door: Door, cloudEvent: CloudEventRecord, path = "/events/default/greet"): Promise<void> {
  const { headers, body } = toBinaryMessage(cloudEvent);
  await (await fetch(`${door.dispatcher.url}${path}`, { method: "POST", headers, body })).text();
}

const SOURCE: ArkEvent["spec"]["source"] = {
  type: "cloudevent",
  cloudevent: { filters: [{ exact: { type: "order" } }] },
};

test("a fire counts once, and its further deliveries as duplicates", async () => {
  const counts = await counted(async (door) => {
    await door.team();
    await door.event({ source: SOURCE });
    await Promise.all([1, 2, 3].map(() => deliver(door, order("one"))));
    await deliver(door, order("two"));
  });
  expect(counts).toEqual({ "default/greet fired": 2, "default/greet duplicate": 2 });
});

test("N1: what a later delivery starts of a fire is no second fire, and one that starts nothing yet no duplicate", async () => {
  const counts = await counted(async (door) => {
    await door.team();
    await door.event({ source: SOURCE, targets: [{ team: "blog" }, { team: "press" }] });
    for (let tries = 0; tries < 3; tries += 1) await deliver(door, order("one"));
    await door.team({}, "press");
    await deliver(door, order("one"));
    expect(await door.runs()).toHaveLength(2);
  });
  expect(counts).toEqual({ "default/greet fired": 1 });
});

test("N2: what is skipped and what is lost is counted so", async () => {
  const counts = await counted(async (door) => {
    await door.event({ source: SOURCE });
    await door.event({ source: SOURCE, suspended: true }, {}, "asleep");
    await deliver(door, order("one"), "/dead-letter/default/greet");
    await deliver(door, order("one"), "/events/default/asleep");
  });
  expect(counts).toEqual({ "default/greet dead-lettered": 1, "default/asleep skipped": 1 });
});

test("N3: an event of nobody is counted under no name of its own", async () => {
  const counts = await counted((door) => deliver(door, order("one"), "/dead-letter/default/made-up"));
  expect(counts).toEqual({ "default/_OTHER dead-lettered": 1 });
});

test("what a gate stops at the webhook's door is counted there, and so is a fire that is asked for again", async () => {
  const counts = await counted(async (door) => {
    await door.event({ concurrencyPolicy: "Forbid" });
    const again = { headers: { "idempotency-key": "one" } };
    for (const init of [again, again, {}, { query: "?mode=sync" }]) await (await door.post({}, init)).text();
    await door.event({ suspended: true }, {}, "asleep");
    for (const token of [TOKEN, "wrong"]) {
      const headers = { authorization: `Bearer ${token}` };
      await (await fetch(`${door.webhook.url}/triggers/default/asleep`, { method: "POST", headers })).text();
    }
  });
  expect(counts).toEqual({
    "default/greet duplicate": 1,
    "default/greet skipped": 2,
    "default/asleep skipped": 1,
  });
});
