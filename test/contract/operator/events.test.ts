import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { tokenDigest } from "#platform/http/bearer.ts";
import { ArkEventSchema } from "#core/api/v1alpha1/ark-event.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { triggerName } from "../../../operator/resources/names.ts";
import { trigger } from "../../../operator/resources/trigger.ts";
import {
  type Body,
  configOf,
  fieldOf,
  type OperatorWorld,
  POLL,
  readyOf,
  startOperatorWorld,
  SYSTEM,
} from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  world.lead();
});
afterAll(() => world[Symbol.asyncDispose]());

const EVENTS = "/apis/arkonis.dev/v1alpha1/namespaces/default/arkevents";
const TRIGGERS = `/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/triggers`;
const PINGS = "/apis/sources.knative.dev/v1/namespaces/default/pingsources";
const SECRETS = "/api/v1/namespaces/default/secrets";

const triggerPath = (event: string) => `${TRIGGERS}/${triggerName({ namespace: "default", name: event })}`;

const get = (path: string) => world.get(path);

const create = (name: string, spec: object) =>
  world.create("ArkEvent", name, { targets: [{ agent: "writer", prompt: "go" }], ...spec });

async function there(path: string): Promise<Body> {
  await expect.poll(() => get(path), POLL).toBeDefined();
  return (await get(path)) ?? {};
}

const gone = (path: string) => expect.poll(() => get(path), POLL).toBeUndefined();

async function statusOf(name: string): Promise<Record<string, unknown>> {
  return ((await get(`${EVENTS}/${name}`))?.["status"] ?? {}) as Record<string, unknown>;
}

const reasonOf = async (name: string) => readyOf(await get(`${EVENTS}/${name}`)).reason;

/** What Knative's controllers would say. */
async function makeReady(path: string): Promise<void> {
  await world.api.request("PATCH", `${path}/status`, {
    status: { conditions: [{ type: "Ready", status: "True" }], observedGeneration: 99 },
  });
}

async function makeAgent(): Promise<void> {
  await world.api.request("POST", "/apis/arkonis.dev/v1alpha1/namespaces/default/arkagents", {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer" },
    spec: { model: "gpt-4o", systemPrompt: "You write." },
  });
}

test("a webhook event gets its Trigger, its token and its record, and is Ready once its target is there", async () => {
  await create("hook", { source: { type: "webhook" } });
  const trigger = await there(triggerPath("hook"));
  expect(trigger["spec"]).toMatchObject({
    broker: "default",
    delivery: { retry: 8, backoffPolicy: "exponential", deadLetterSink: { uri: "/dead-letter/default/hook" } },
  });
  await expect.poll(() => reasonOf("hook"), POLL).toBe("AgentNotFound");
  await makeAgent();
  await expect.poll(() => reasonOf("hook"), POLL).toBe("TriggerNotReady");
  await makeReady(triggerPath("hook"));
  await expect.poll(() => reasonOf("hook"), POLL).toBe("Active");
  expect(await statusOf("hook")).toMatchObject({
    webhookURL: "http://ark-operator.ark-system.svc.cluster.local:8092/triggers/default/hook",
    firedCount: 0,
  });
  const secret = await there(`${SECRETS}/hook-webhook-token`);
  const token = Buffer.from((secret["data"] as { token: string }).token, "base64").toString();
  expect(await world.js.triggers.get("default", "hook")).toMatchObject({
    tokenDigest: tokenDigest(token),
    suspended: false,
    type: "webhook",
  });
});

test("api 15, D39: a token is never rotated unasked; a changed one counts, a deleted one is made anew", async () => {
  await create("token", { source: { type: "webhook" } });
  const path = `${SECRETS}/token-webhook-token`;
  const first = await there(path);
  const digest = async () => (await world.js.triggers.get("default", "token"))?.tokenDigest;
  await world.api.request("PATCH", path, { stringData: { token: "mine" } });
  await expect.poll(digest, POLL).toBe(tokenDigest("mine"));
  await world.api.request("DELETE", path);
  const second = await there(path);
  expect((second["metadata"] as Body)["uid"]).not.toBe((first["metadata"] as Body)["uid"]);
  await expect.poll(digest, POLL).not.toBe(tokenDigest("mine"));
  await world.api.request("PATCH", path, { data: { token: null } });
  await expect.poll(() => reasonOf("token"), POLL).toBe("SecretNotFound");
  await expect.poll(digest, POLL).toBeUndefined();
});

test("D45: what CEL lets through is refused by the condition, and Knative is asked for nothing", async () => {
  const bad = [
    ["never", { source: { type: "cron", cron: "0 0 30 2 *" } }, "InvalidCron"],
    ["nowhere", { source: { type: "cron", cron: "0 6 * * *", timeZone: "Europe/Atlantis" } }, "InvalidSource"],
    [
      "unsaid",
      { source: { type: "webhook" }, targets: [{ agent: "writer", prompt: "{{ .trigger.body" }] },
      "InvalidTemplate",
    ],
  ] as const;
  for (const [name, spec, reason] of bad) {
    await create(name, spec);
    await expect.poll(() => reasonOf(name), POLL).toBe(reason);
    expect(await get(`${PINGS}/${name}-cron`)).toBeUndefined();
  }
  await world.api.request("PATCH", `${EVENTS}/never`, { spec: { source: { cron: "0 0 * * 7" } } });
  expect(fieldOf(await there(`${PINGS}/never-cron`), "spec", "schedule")).toBe("0 0 * * 0");
});

test("a deleted child comes back, a changed one is put right", async () => {
  await create("stubborn", { source: { type: "cron", cron: "0 6 * * *" } });
  const path = triggerPath("stubborn");
  const ping = `${PINGS}/stubborn-cron`;
  await there(path);
  await there(ping);
  await world.api.request("DELETE", path);
  await there(path);
  await world.api.request("PATCH", ping, { spec: { schedule: "* * * * *" } });
  await expect.poll(async () => fieldOf(await get(ping), "spec", "schedule"), POLL).toBe("0 6 * * *");
  await world.api.request("PATCH", path, { spec: { delivery: { retry: 0 } } });
  await expect.poll(async () => fieldOf(await get(path), "spec", "delivery", "retry"), POLL).toBe(8);
});

test("suspended takes the source's effect away and keeps the record; resumed, it is back", async () => {
  await create("paused", { source: { type: "cron", cron: "0 6 * * *" } });
  await there(`${PINGS}/paused-cron`);
  await expect.poll(async () => (await statusOf("paused"))["nextFireAt"], POLL).toMatch(/T06:00:00Z$/);
  await world.api.request("PATCH", `${EVENTS}/paused`, { spec: { suspended: true } });
  await gone(`${PINGS}/paused-cron`);
  await expect.poll(() => reasonOf("paused"), POLL).toBe("Suspended");
  expect((await statusOf("paused"))["nextFireAt"]).toBeUndefined();
  expect(await world.js.triggers.get("default", "paused")).toMatchObject({ suspended: true });
  await world.api.request("PATCH", `${EVENTS}/paused`, { spec: { suspended: false } });
  await there(`${PINGS}/paused-cron`);
  await expect.poll(async () => (await world.js.triggers.get("default", "paused"))?.suspended, POLL).toBe(false);
});

/** As the webhook function does. */
async function accept(event: string): Promise<void> {
  const cloudEvent = {
    specversion: "1.0",
    id: event,
    source: "/test",
    type: "dev.ark.webhook",
    extensions: {},
  } as const;
  await world.js.outbox.publish({ namespace: "default", event, key: event, cloudEvent, firedAt: 0 }, `uid-${event}`);
}

async function waiting(): Promise<number | undefined> {
  return (await world.nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages;
}

test("E17: an event that goes leaves nothing", async () => {
  await create("leaving", { source: { type: "webhook" } });
  await there(triggerPath("leaving"));
  await expect.poll(() => world.js.triggers.get("default", "leaving"), POLL).toBeDefined();
  await Promise.all(["leaving", "staying"].map(accept));
  expect(await waiting()).toBe(2);
  await world.api.request("DELETE", `${EVENTS}/leaving`);
  await gone(triggerPath("leaving"));
  await expect.poll(() => world.js.triggers.get("default", "leaving"), POLL).toBeUndefined();
  await expect.poll(waiting, POLL).toBe(1);
});

test("N1: of Triggers that go together, each waits for the Subscription of the one before", async () => {
  const names = ["first", "second", "third"];
  const subscriptions = `/apis/messaging.knative.dev/v1/namespaces/${SYSTEM}/subscriptions`;
  for (const name of names) {
    await create(name, { source: { type: "webhook" } });
    const { uid } = (await there(triggerPath(name)))["metadata"] as { uid: string };
    const owner = { apiVersion: "eventing.knative.dev/v1", kind: "Trigger", name: `t-${name}`, uid };
    const made = await world.api.request("POST", subscriptions, {
      apiVersion: "messaging.knative.dev/v1",
      kind: "Subscription",
      metadata: { name, ownerReferences: [owner] },
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
  }
  for (const name of names) await world.api.request("DELETE", `${EVENTS}/${name}`);
  const left = new Set(names);
  const present = async () => {
    const found = await Promise.all([...left].map(async (name) => ((await get(triggerPath(name))) ? [name] : [])));
    return found.flat();
  };
  while (left.size > 0) {
    await expect.poll(async () => (await present()).length, POLL).toBe(left.size - 1);
    const still = await present();
    const [gone = ""] = [...left].filter((name) => !still.includes(name));
    // Records go at once, whoever's turn it is.
    for (const name of names) await expect.poll(() => world.js.triggers.get("default", name), POLL).toBeUndefined();
    expect((await present()).length).toBe(left.size - 1);
    left.delete(gone);
    // What Knative's garbage collection would do.
    await world.api.request("DELETE", `${subscriptions}/${gone}`);
  }
});

test("N4: a Trigger that somebody deleted comes back once its Subscription is gone", async () => {
  const subscriptions = `/apis/messaging.knative.dev/v1/namespaces/${SYSTEM}/subscriptions`;
  await create("lost", { source: { type: "webhook" } });
  const { uid } = (await there(triggerPath("lost")))["metadata"] as { uid: string };
  const owner = { apiVersion: "eventing.knative.dev/v1", kind: "Trigger", name: "t-lost", uid };
  const metadata = { name: "lost", ownerReferences: [owner] };
  await world.api.request("POST", subscriptions, {
    apiVersion: "messaging.knative.dev/v1",
    kind: "Subscription",
    metadata,
  });
  await world.api.request("DELETE", triggerPath("lost"));
  await expect
    .poll(async () => (await statusOf("lost"))["conditions"], POLL)
    .toMatchObject([{ type: "Ready", reason: "TriggerNotReady", message: "another Trigger is on its way out" }]);
  expect(await get(triggerPath("lost"))).toBeUndefined();
  await world.api.request("DELETE", `${subscriptions}/lost`);
  expect(((await there(triggerPath("lost")))["metadata"] as { uid: string }).uid).not.toBe(uid);
});

test("T3, N1: a Trigger beside its ArkEvent has no owner, nor keeps one that it had, and goes by the lane all the same", async () => {
  await world.stopLeading();
  const triggers = TRIGGERS.replace(SYSTEM, "default");
  const beside = `${triggers}/${triggerName({ namespace: "default", name: "beside" })}`;
  await create("beside", { source: { type: "webhook" } });
  const { uid } = (await there(`${EVENTS}/beside`))["metadata"] as { uid: string };
  const event = {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { namespace: "default", name: "beside", uid },
  };
  const config = configOf(world.nats.url, { ARK_BROKER_NAMESPACE: "default" });
  const before = trigger(ArkEventSchema.parse({ ...event, spec: (await there(`${EVENTS}/beside`))["spec"] }), config);
  // As an earlier operator made it.
  const owner = { apiVersion: event.apiVersion, kind: event.kind, name: "beside", uid, controller: true };
  const children = kubeChildren(openKube({ kubeconfig: world.api.kubeconfig }), "ark-operator");
  const owned = { ...before, metadata: { ...before.metadata, ownerReferences: [owner] } };
  expect(await children.apply("Trigger", owned)).toMatchObject({ kind: "applied" });
  const owners = async () => fieldOf(await get(beside), "metadata", "ownerReferences");
  expect(await owners()).toHaveLength(1);

  const leading = world.lead({ ARK_BROKER_NAMESPACE: "default" });
  await expect.poll(owners, POLL).toBeUndefined();
  await world.api.request("DELETE", `${EVENTS}/beside`);
  await gone(beside);
  await leading.stop();
  world.lead();
});

async function lose(name: string, id: string): Promise<void> {
  const cloudEvent = {
    specversion: "1.0",
    id,
    source: `/ark/default/arkevent/${name}`,
    type: "dev.ark.webhook",
    extensions: { arknamespace: "default", arkevent: name },
  };
  const original = { namespace: "default", event: name, cloudEvent };
  const letter = { of: "event", namespace: "default", name, reason: "TeamNotFound", message: "no team" } as const;
  await world.js.deadLetters.store({ ...letter, original, at: Date.now() }, id);
}

test("dead letters show, and one request sends them again once, whoever leads then", async () => {
  const lost = async () => (await world.js.deadLetters.list("default", "lossy")).length;
  const sent = async () => {
    const streams = (await world.nats.monitor.jsz()).streams;
    return (streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages ?? 0) - before;
  };
  const ask = (at: string) =>
    world.api.request("PATCH", `${EVENTS}/lossy`, {
      metadata: { annotations: { "arkonis.dev/replay-requested-at": at } },
    });
  const told = async () => {
    const { items } = (await get("/apis/events.k8s.io/v1/namespaces/default/events")) as { items: Body[] };
    return items
      .filter((one) => fieldOf(one, "regarding", "name") === "lossy")
      .map((one) => [one["reason"], one["note"]]);
  };
  const before = (await waiting()) ?? 0;
  await create("lossy", { source: { type: "webhook" } });
  await there(triggerPath("lossy"));
  await Promise.all(["l-1", "l-2", "l-3"].map((id) => lose("lossy", id)));
  await expect.poll(async () => (await statusOf("lossy"))["deadLetters"], POLL).toBe(3);
  expect(JSON.stringify(await statusOf("lossy"))).toContain("ark replay lossy -n default");
  await world.api.request("PATCH", `${EVENTS}/lossy`, { spec: { suspended: true } });
  await expect.poll(async () => (await world.js.triggers.get("default", "lossy"))?.suspended, POLL).toBe(true);
  await ask("2026-11-21T10:00:00Z");
  await world.api.request("PATCH", `${EVENTS}/lossy`, { spec: { suspended: false } });
  await expect.poll(lost, POLL).toBe(0);
  expect(await sent()).toBe(3);
  await expect.poll(told, POLL).toContainEqual(["Replayed", "dead letters sent again: 3"]);
  await lose("lossy", "l-4");
  await world.stopLeading();
  // Counted at the beginning, and when some were sent again.
  world.lead({ ARK_RESYNC_SECONDS: "3600" });
  await expect.poll(async () => (await statusOf("lossy"))["deadLetters"], POLL).toBe(1);
  expect(await sent()).toBe(3);
  await ask("yesterday");
  await expect.poll(async () => (await told()).map(([reason]) => reason), POLL).toContain("ReplayRefused");
  expect(await lost()).toBe(1);
  await ask("2026-11-21T11:00:00+01:00");
  await expect.poll(async () => (await statusOf("lossy"))["deadLetters"], POLL).toBe(0);
  expect(await lost()).toBe(0);
  expect(await sent()).toBe(4);
});

test("D47: under Forbid dead letters go one at a time, each once the one before is off its way and its run has ended", async () => {
  const lost = async () => (await world.js.deadLetters.list("default", "single")).length;
  const arrived = async () => {
    const stream = (await world.nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS");
    await world.js.outbox.confirm(stream?.state.last_seq ?? 0);
  };
  await create("single", { source: { type: "webhook" }, concurrencyPolicy: "Forbid" });
  await there(triggerPath("single"));
  await Promise.all(["s-1", "s-2"].map((id) => lose("single", id)));
  await world.api.request("PATCH", `${EVENTS}/single`, {
    metadata: { annotations: { "arkonis.dev/replay-requested-at": "2026-11-21T10:00:00Z" } },
  });
  await expect.poll(lost, POLL).toBe(1);
  expect(await world.js.locks.claim("default.single", "key", ["single-run"])).toBe("claimed");
  await arrived();
  const { revision } = (await world.js.replays.get("default", "single")) ?? {};
  await expect.poll(async () => (await statusOf("single"))["deadLetters"], POLL).toBe(1);
  expect((await world.js.replays.get("default", "single"))?.revision).toBe(revision);
  await world.js.locks.release("default.single", "single-run");
  await expect.poll(lost, POLL).toBe(0);
  await arrived();
  const done = async () => (await world.js.replays.get("default", "single"))?.record;
  await expect.poll(done, POLL).toMatchObject({ done: true, sent: 2 });
  await expect.poll(async () => (await statusOf("single"))["deadLetters"], POLL).toBe(0);
});

test("D35: fires are counted by their runs, once each, whoever looks how often", async () => {
  await create("counted", { source: { type: "webhook" } });
  const runs = "/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns";
  const fires = 40;
  const make = (fire: number, target: number) =>
    world.api.request("POST", runs, {
      apiVersion: "arkonis.dev/v1alpha1",
      kind: "ArkRun",
      metadata: {
        name: `counted-${fire}-${target}`,
        labels: { "arkonis.dev/event": "counted" },
        annotations: { "arkonis.dev/event-key": String(fire).padStart(4, "0").repeat(16) },
      },
      spec: { agent: "writer", prompt: "go" },
    });
  await Promise.all(Array.from({ length: fires * 2 }, (_, index) => make(index >> 1, index % 2)));
  await expect.poll(async () => (await statusOf("counted"))["firedCount"], POLL).toBe(fires);
  const second = world.lead();
  await second.leading.settled();
  await make(fires, 0);
  await expect.poll(async () => (await statusOf("counted"))["firedCount"], POLL).toBe(fires + 1);
  await second.stop();
  expect((await statusOf("counted"))["lastFiredAt"]).toBeDefined();
});
