import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { AcceptedEvent } from "#core/ports/events.ts";
import { pingSourceUri } from "../../../operator/resources/trigger.ts";
import { collect } from "../jetstream/open.ts";
import { type OperatorWorld, POLL, startOperatorWorld, SYSTEM } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const HOUR_MS = 3_600_000;
const EVENTS = "/apis/arkonis.dev/v1alpha1/namespaces/default/arkevents";

async function outbox(count: number): Promise<AcceptedEvent[]> {
  const consuming = world.js.outbox.consume({ maxPending: 64, signal: AbortSignal.timeout(120_000) });
  const deliveries = await collect(consuming, count);
  for (const delivery of deliveries) await delivery.ack();
  return deliveries.map(({ value }) => value);
}

test("D33, F2: ticks that were missed while no operator looked are sent after, each once, oldest first", async () => {
  const answer = await world.api.request("POST", EVENTS, {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { name: "hourly" },
    spec: {
      source: { type: "cron", cron: "0 * * * *" },
      startingDeadlineSeconds: 86_400,
      targets: [{ agent: "writer", prompt: "go" }],
    },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const created = Date.parse(String((answer.body["metadata"] as { creationTimestamp: string }).creationTimestamp));
  const next = Math.ceil((created + 1) / HOUR_MS) * HOUR_MS;
  const first = world.lead({}, () => next + 2 * HOUR_MS + 300_000);
  const sent = await outbox(3);
  const ticks = [0, 1, 2].map((hour) => new Date(next + hour * HOUR_MS).toISOString());
  expect(sent.map(({ key }) => key)).toEqual(ticks);
  expect(sent.map(({ cloudEvent }) => cloudEvent.time)).toEqual(ticks);
  expect(sent[0]?.cloudEvent).toMatchObject({
    type: "dev.knative.sources.ping",
    source: pingSourceUri({ namespace: "default", name: "hourly" }),
    extensions: { arknamespace: "default", arkevent: "hourly" },
  });
  await expect
    .poll(async () => (await world.js.tallies.get("default", "hourly"))?.tally.ticksUntil, POLL)
    .toBeDefined();
  await first.stop();
  const second = world.lead({}, () => next + 3 * HOUR_MS + 300_000);
  expect((await outbox(1)).map(({ key }) => key)).toEqual([new Date(next + 3 * HOUR_MS).toISOString()]);
  await second.stop();
});

test("nested teams' requests have their Trigger, and it comes back", async () => {
  const path = `/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/triggers/ark-run-requests`;
  world.lead();
  const status = async () => (await world.api.request("GET", path)).status;
  await expect.poll(status, POLL).toBe(200);
  await world.api.request("DELETE", path);
  await expect.poll(status, POLL).toBe(200);
});
