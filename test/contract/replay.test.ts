/** Dead letters under Forbid, from the annotation to the run, over a real store and the dispatcher's own door (D47, P1). */
import { expect, test } from "vitest";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { CloudEventRecord, Replays } from "#core/ports/events.ts";
import { REPLAY_REQUESTED_AT, type ReplayPorts, replayWhenAsked } from "#core/reconcile/replay.ts";
import { toBinaryMessage } from "#platform/http/cloud-events.ts";
import { NS, openDoor, type Door } from "../harness/door.ts";

const order = (id: string): CloudEventRecord => ({
  specversion: "1.0",
  id,
  source: "/shop",
  type: "order",
  extensions: {},
});

async function deliver(door: Door, cloudEvent: CloudEventRecord, path = "/events/default/greet"): Promise<void> {
  const { headers, body } = toBinaryMessage(cloudEvent);
  const response = await fetch(`${door.dispatcher.url}${path}`, { method: "POST", headers, body });
  expect(response.status).toBe(204);
}

/** An ArkEvent of `policy` that has lost three fires for want of its team, which is there now. */
async function lossy(door: Door, concurrencyPolicy: ArkEvent["spec"]["concurrencyPolicy"]): Promise<ArkEvent> {
  const filters = [{ exact: { type: "order" } }];
  const event = await door.event({ source: { type: "cloudevent", cloudevent: { filters } }, concurrencyPolicy });
  for (const id of ["1", "2", "3"]) await deliver(door, order(id), "/dead-letter/default/greet");
  await door.team();
  return event;
}

const asked = (event: ArkEvent, at: string): ArkEvent => ({
  ...event,
  metadata: { ...event.metadata, annotations: { [REPLAY_REQUESTED_AT]: at } },
});

const portsOf = ({ js }: Door): ReplayPorts => ({ letters: js.deadLetters, replays: js.replays });

/** What waits in the outbox goes to the dispatcher, as the relay and the Broker would bring it. */
async function dispatchAll(door: Door): Promise<number> {
  const events = await door.outbox();
  for (const { cloudEvent } of events) await deliver(door, cloudEvent);
  await door.js.outbox.purge(NS, "greet");
  return events.length;
}

async function endRun(door: Door): Promise<void> {
  const [run = ""] = (await door.js.locks.holder("default.greet"))?.runs ?? [];
  await door.end(run, "done");
  await door.js.locks.release("default.greet", run);
}

const lost = async ({ js }: Door) => (await js.deadLetters.list(NS, "greet")).map(({ reason }) => reason);

test("R3: under Forbid each dead letter starts its run, one after another, by one request", async () => {
  await using door = await openDoor();
  const event = asked(await lossy(door, "Forbid"), "2026-11-21T10:00:00Z");
  for (const left of [2, 1, 0]) {
    expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "going", sent: 1 });
    // On its way, then running.
    expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "going", sent: 0 });
    expect(await dispatchAll(door)).toBe(1);
    expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "going", sent: 0 });
    expect(await lost(door)).toHaveLength(left);
    await endRun(door);
  }
  const message = "dead letters sent again: 3";
  expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "replayed", message });
  expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "nothing" });
  expect(await door.runs()).toHaveLength(3);
  expect(door.fires.map(({ outcome }) => outcome).filter((outcome) => outcome === "skipped")).toEqual([]);
});

test("R3, R1: a crash between the letter and the note of it, or a fire that comes between, loses none", async () => {
  await using door = await openDoor();
  const event = asked(await lossy(door, "Forbid"), "2026-11-21T10:00:00Z");
  const { replays } = door.js;
  const dying: Replays = {
    ...replays,
    put: async (namespace, name, record, revision) => {
      if (record.sent !== undefined) throw new Error("killed");
      return replays.put(namespace, name, record, revision);
    },
  };
  await expect(replayWhenAsked(event, { ...portsOf(door), replays: dying })).rejects.toThrow("killed");
  expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "going", sent: 1 });
  await deliver(door, order("fresh"));
  expect(await dispatchAll(door)).toBe(2);
  expect(await door.runs()).toHaveLength(1);
  expect((await lost(door)).toSorted()).toEqual(["ConcurrencyForbidden", "ConcurrencyForbidden", "TeamNotFound"]);
  await endRun(door);
  expect(await replayWhenAsked(event, portsOf(door))).toEqual({ kind: "going", sent: 1 });
  await dispatchAll(door);
  await endRun(door);
  expect(await replayWhenAsked(event, portsOf(door))).toMatchObject({ kind: "replayed" });
  expect(await lost(door)).toEqual(["ConcurrencyForbidden", "ConcurrencyForbidden"]);
  const again = asked(event, "2026-11-21T11:00:00Z");
  for (let time = 0; time < 2; time += 1) {
    expect(await replayWhenAsked(again, portsOf(door))).toEqual({ kind: "going", sent: 1 });
    await dispatchAll(door);
    await endRun(door);
  }
  expect(await replayWhenAsked(again, portsOf(door))).toMatchObject({ kind: "replayed" });
  expect(await lost(door)).toEqual([]);
  expect(await door.runs()).toHaveLength(4);
});

test("with Allow all go at once", async () => {
  await using door = await openDoor();
  const event = asked(await lossy(door, "Allow"), "2026-11-21T10:00:00Z");
  expect(await replayWhenAsked(event, portsOf(door))).toMatchObject({ kind: "replayed" });
  expect(await dispatchAll(door)).toBe(3);
  expect(await door.runs()).toHaveLength(3);
});
