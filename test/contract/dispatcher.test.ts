/** The dispatcher over real HTTP and a real store: events become runs once, and nothing is ever answered 4xx. */
import { expect, test } from "vitest";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { RUN_EVENT_TYPES } from "#core/events/cloud-event.ts";
import type { RunRequested } from "#core/events/facts.ts";
import type { StepState } from "#core/pipeline/state.ts";
import type { AcceptedEvent, CloudEventRecord } from "#core/ports/events.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { toBinaryMessage } from "#platform/http/cloud-events.ts";
import { postEvent } from "#platform/http/post-event.ts";
import { carriedResults } from "#core/runs/carried.ts";
import { sha256 } from "../../functions/dispatcher/fire-key.ts";
import { completeRun } from "#core/runs/complete-run.ts";
import { handle } from "../../functions/dispatcher/handler.ts";
import { relay, type RelayDeps } from "../../functions/webhook/relay.ts";
import { NS, openDoor, quiet, type Door } from "../harness/door.ts";
import { Lock } from "../harness/lock.ts";

/** As the Trigger of `event` does. */
async function deliver(door: Door, cloudEvent: CloudEventRecord, path = "/events/default/greet"): Promise<number> {
  const { headers, body } = toBinaryMessage(cloudEvent);
  const response = await fetch(`${door.dispatcher.url}${path}`, { method: "POST", headers, body });
  expect(await response.text()).toEqual(response.status === 204 ? "" : expect.stringContaining("not-ready"));
  return response.status;
}

async function fired(door: Door, body: unknown = {}): Promise<AcceptedEvent> {
  expect((await door.post(body)).status).toBe(202);
  const [event] = await door.outbox();
  if (event === undefined) throw new Error("nothing in the outbox");
  return event;
}

async function requests(door: Door, run: string): Promise<readonly RunRequested[]> {
  const found: RunRequested[] = [];
  for await (const { fact } of door.js.factLog.history({ namespace: NS, run })) {
    if (fact.kind === "run.requested") found.push(fact);
  }
  return found;
}

async function letters(door: Door, name = "greet"): Promise<readonly string[]> {
  return (await door.js.deadLetters.list(NS, name)).map(({ reason }) => reason);
}

/** The letters of `greet`, taken out of the outbox on their way. */
async function sentAgain(door: Door): Promise<readonly CloudEventRecord[]> {
  const { newest } = await door.js.deadLetters.census();
  await door.js.deadLetters.replay({ namespace: NS, event: "greet" }, newest, () => true);
  const events = (await door.outbox()).map(({ cloudEvent }) => cloudEvent);
  await door.js.outbox.purge(NS, "greet");
  return events;
}

const foreign = (id: string, more: Partial<CloudEventRecord> = {}): CloudEventRecord => ({
  specversion: "1.0",
  id,
  source: "/shop",
  type: "order",
  datacontenttype: "application/json",
  data: { topic: "rain" },
  extensions: {},
  ...more,
});

test("a webhook's fire becomes the run that the webhook named, with the team as it is now", async () => {
  await using door = await openDoor();
  await door.team({
    input: { topic: "sun", tone: "dry" },
    inputs: [{ name: "topic", type: "string", required: true }],
    output: "{{ .steps.write.output }}",
    timeoutSeconds: 60,
    maxTokens: 1_000,
  });
  await door.event();
  const response = await door.post({ topic: "rain", evil: "x" });
  const { runs } = (await response.json()) as { runs: string[] };
  const [event] = await door.outbox();
  expect(await deliver(door, event!.cloudEvent)).toBe(204);
  const [run, ...more] = await door.runs();
  expect(more).toEqual([]);
  expect(run?.metadata).toMatchObject({
    name: runs[0],
    labels: { "arkonis.dev/team": "blog", "arkonis.dev/event": "greet" },
    ownerReferences: [{ kind: "ArkTeam", name: "blog" }],
  });
  expect(run?.spec).toMatchObject({
    teamRef: "blog",
    teamGeneration: 1,
    input: { topic: "rain", tone: "dry" },
    output: "{{ .steps.write.output }}",
    timeoutSeconds: 60,
    maxTokens: 1_000,
  });
  expect(run?.spec.input).not.toHaveProperty("evil");
  const [request] = await requests(door, runs[0] ?? "");
  expect(request).toMatchObject({ uid: run?.metadata.uid, event: "greet", depth: 0, hop: 0, spec: run?.spec });
  expect(door.fires).toMatchObject([{ event: "greet", outcome: "fired", runs, created: 1 }]);
});

test("P1: the same event delivered 50 times at once gives one run and one request", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  const { cloudEvent } = await fired(door);
  const statuses = await Promise.all(Array.from({ length: 50 }, () => deliver(door, cloudEvent)));
  expect(new Set(statuses)).toEqual(new Set([204]));
  const runs = await door.runs();
  expect(runs).toHaveLength(1);
  expect(await requests(door, runs[0]?.metadata.name ?? "")).toHaveLength(1);
  expect(door.fires.reduce((sum, { created }) => sum + created, 0)).toBe(1);
});

test("P1: a run that was let go is not started again by a delivery that comes late", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  const { cloudEvent } = await fired(door);
  expect(await deliver(door, cloudEvent)).toBe(204);
  const [run] = await door.runs();
  const name = run?.metadata.name ?? "";
  await door.js.objects.delete("ArkRun", { namespace: "default", name });
  expect(await deliver(door, cloudEvent)).toBe(204);
  expect(await door.runs()).toEqual([]);
  expect(await requests(door, name)).toHaveLength(1);
});

test("D32: a retry starts only what is missing", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({ targets: [{ team: "blog" }, { team: "press" }] });
  const { cloudEvent } = await fired(door);
  expect(await deliver(door, cloudEvent)).toBe(503);
  const [first] = await door.runs();
  await door.team({}, "press");
  expect(await deliver(door, cloudEvent)).toBe(204);
  const runs = await door.runs();
  expect(new Set(runs.map(({ spec }) => spec.teamRef))).toEqual(new Set(["blog", "press"]));
  expect(runs.find(({ spec }) => spec.teamRef === "blog")?.metadata.uid).toBe(first?.metadata.uid);
  expect(door.fires.map(({ outcome, created }) => [outcome, created])).toEqual([
    ["fired", 1],
    ["failed", 0],
    ["fired", 1],
  ]);
});

test("D32: a run that was created and not announced, for its maker died between, is announced by the next delivery", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  const { cloudEvent } = await fired(door);
  const died = { ...door.dispatcherDeps, facts: { publish: () => Promise.reject(new StoreUnavailable("died")) } };
  await expect(handle({ cloudEvent, lastTry: false }, died)).rejects.toThrow("died");
  const [run] = await door.runs();
  const name = run?.metadata.name ?? "";
  expect(await requests(door, name)).toEqual([]);
  expect(await deliver(door, cloudEvent)).toBe(204);
  expect(await requests(door, name)).toMatchObject([{ uid: run?.metadata.uid, event: "greet" }]);
});

test("a missing team is waited for, then dead-lettered with its reason; the other target has started", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({ targets: [{ team: "blog" }, { team: "nobody" }] });
  const { cloudEvent } = await fired(door);
  expect(await deliver(door, cloudEvent)).toBe(503);
  expect(await letters(door)).toEqual([]);
  expect(await deliver(door, cloudEvent, "/dead-letter")).toBe(204);
  expect(await letters(door)).toEqual(["TeamNotFound"]);
  expect(await door.runs()).toHaveLength(1);
});

test("a run that is refused leaves the other targets alone, is tried again, and is lost to its own ArkEvent", async () => {
  await using door = await openDoor();
  await door.team();
  await door.team({}, "press");
  const source = { type: "team-output", teamOutput: { name: "up", onPhase: "Succeeded" } } as const;
  await door.event({ source, concurrencyPolicy: "Forbid", targets: [{ team: "blog" }, { team: "press" }] });
  const { objects } = door.dispatcherDeps;
  const create: typeof objects.create = (kind, object) =>
    "teamRef" in object.spec && object.spec.teamRef === "press"
      ? Promise.reject(new Error("admission webhook denied the request"))
      : objects.create(kind, object);
  const refusing = { ...door.dispatcherDeps, objects: { ...objects, create } };
  const extensions = { arknamespace: "default", arkteam: "up", arkevent: "first-of-the-chain", arkrun: "up-run-1" };
  const cloudEvent = foreign("end", { type: "dev.ark.run.succeeded", data: { output: "x" }, extensions });
  const place = { cloudEvent, namespace: "default", event: "greet" };
  expect(await handle({ ...place, lastTry: false }, refusing)).toMatchObject({ kind: "retry" });
  expect((await door.runs()).map(({ spec }) => spec.teamRef)).toEqual(["blog"]);
  expect(await letters(door)).toEqual([]);
  expect(await handle({ ...place, lastTry: true }, refusing)).toMatchObject({ kind: "done" });
  expect(await door.js.deadLetters.list("default", "greet")).toMatchObject([
    { reason: "DispatchFailed", message: "admission webhook denied the request" },
  ]);
  expect(door.fires.map(({ outcome, created }) => [outcome, created])).toEqual([
    ["fired", 1],
    ["failed", 0],
    ["dead-lettered", 0],
  ]);
  const [run] = await door.runs();
  expect((await door.js.locks.holder("default.greet"))?.runs).toEqual([run?.metadata.name]);
});

test("never 4xx: what is no event, no ArkEvent's, too large or on another path is recorded and answered 204", async () => {
  await using door = await openDoor();
  const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    (await fetch(`${door.dispatcher.url}${path}`, { method: "POST", body, headers })).status;
  expect(await post("/events/default/greet", "hello")).toBe(204);
  expect(await post("/anything/else", "{", { "content-type": "application/cloudevents+json" })).toBe(204);
  expect(await post("/", Buffer.alloc(9 * 1024 * 1024))).toBe(204);
  expect(await deliver(door, foreign("1"), "/")).toBe(204);
  expect((await fetch(`${door.dispatcher.url}/events/default/greet`)).status).toBe(204);
  expect(await door.js.deadLetters.list("unknown")).toHaveLength(4);
  expect(await deliver(door, foreign("1"))).toBe(503);
  expect(await deliver(door, foreign("1"), "/dead-letter/default/greet")).toBe(204);
  expect(await letters(door)).toEqual(["EventNotFound"]);
});

test("a fire is hinted at before its runs are made, so that what they need wakes meanwhile", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  const event = await fired(door);
  const stop = new AbortController();
  const heard: string[] = [];
  const hearing = (async () => {
    for await (const hint of door.js.fireHints.watch(stop.signal)) heard.push(`${hint.namespace}/${hint.event}`);
  })();
  await expect
    .poll(() => (door.js.fireHints.send({ namespace: "x", event: "listening" }), heard.length), { timeout: 60_000 })
    .toBeGreaterThan(0);
  expect(await deliver(door, event.cloudEvent)).toBe(204);
  await expect.poll(() => heard.includes("default/greet"), { timeout: 60_000 }).toBe(true);
  stop.abort();
  await hearing;
});

test("P1: a dead letter of another's event fires nothing, is no loss of this one, and settles nothing", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  const { cloudEvent } = await fired(door);
  const posted = { ...cloudEvent, extensions: { ...cloudEvent.extensions, arkseq: "1" } };
  const ended = foreign("2", { type: "dev.ark.run.succeeded", extensions: { arkteam: "blog", arknamespace: NS } });
  for (const event of [posted, ended]) expect(await deliver(door, event, "/dead-letter/default/gone")).toBe(204);
  expect(await deliver(door, ended, "/dead-letter/default/greet")).toBe(204);
  expect(await door.runs()).toEqual([]);
  expect([...(await letters(door)), ...(await letters(door, "gone"))]).toEqual([]);
  const { streams } = await door.nats.monitor.jsz();
  expect(streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages).toBe(1);
});

test("targets render their own input and prompt; an error in one says where and leaves the other alone", async () => {
  await using door = await openDoor();
  await door.team({ input: { topic: "sun", tone: "dry" } });
  await door.event({
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "order" } }] } },
    targets: [
      { team: "blog", input: { topic: "{{ .trigger.body.topic | upcase }} by {{ .trigger.event.source }}" } },
      { agent: "clerk", prompt: "File {{ .trigger.name }}: {{ .trigger.body.missing }}{{ .trigger.event.id }}" },
      { agent: "clerk", prompt: "{{ index .trigger.body.topic 99 }}" },
    ],
  });
  expect(await deliver(door, foreign("7"))).toBe(204);
  const runs = await door.runs();
  const team = runs.find(({ spec }) => spec.teamRef === "blog");
  const agent = runs.find(({ spec }) => spec.agent === "clerk");
  expect(team?.spec.input).toEqual({ topic: "RAIN by /shop", tone: "dry" });
  expect(agent?.spec.prompt).toBe("File greet: 7");
  expect(runs).toHaveLength(2);
  const [letter] = await door.js.deadLetters.list(NS, "greet");
  expect(letter).toMatchObject({ reason: "InvalidTemplate", message: expect.stringContaining("targets[2].prompt") });
});

test("E26: 50 parallel ends of a team fire 50 times, each with its own output; long ones are loaded", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "team-output", teamOutput: { name: "first", onPhase: "Succeeded" } },
    targets: [{ team: "blog", input: { topic: "{{ .trigger.output }} of {{ .trigger.runName }}" } }],
  });
  const long = await door.js.outputs.store({ namespace: "default" }, "x".repeat(40_000));
  if (!("ref" in long)) throw new Error("stored inline");
  const ended = (i: number): CloudEventRecord => ({
    specversion: "1.0",
    id: `uid-${i}/emit/dev.ark.run.succeeded`,
    source: `/ark/default/arkrun/first-run-${i}`,
    type: "dev.ark.run.succeeded",
    data: i === 0 ? { output: "preview", outputRef: long.ref } : { output: `output ${i}` },
    extensions: { arkrun: `first-run-${i}`, arkteam: "first", arkhop: 0, arkevent: "other" },
  });
  await Promise.all(Array.from({ length: 50 }, (_, i) => deliver(door, ended(i))));
  await deliver(door, ended(3));
  const topics = new Set((await door.runs()).map(({ spec }) => spec.input?.["topic"]));
  expect(topics.size).toBe(50);
  expect(topics).toContain("output 3 of first-run-3");
  expect(topics).toContain(`${"x".repeat(40_000)} of first-run-0`);
});

test("P4: an output that is lost is a dead letter at once, with its reason, and holds no claim", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "team-output", teamOutput: { name: "first", onPhase: "Succeeded" } },
    concurrencyPolicy: "Forbid",
  });
  const outputRef = { digest: `sha256:${"0".repeat(64)}`, bytes: 40_000 };
  const data = { output: "the beginning", outputRef };
  const ended = foreign("uid-1/end", { type: "dev.ark.run.succeeded", data, extensions: { arkteam: "first" } });
  for (const path of ["/events/default/greet", "/events/default/greet", "/dead-letter/default/greet"])
    expect(await deliver(door, ended, path)).toBe(204);
  expect(await letters(door)).toEqual(["OutputLost"]);
  expect(await door.runs()).toEqual([]);
  expect(await door.js.locks.holder("default.greet")).toBeUndefined();
  expect(door.fires.at(-1)).toMatchObject({ outcome: "dead-lettered", reason: "OutputLost" });
});

test("api 1: the hop count travels, and the 17th hop is dead-lettered", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "team-output", teamOutput: { name: "blog", onPhase: "Succeeded" } },
  });
  const hop = (arkhop: number) =>
    deliver(door, foreign(`h${arkhop}`, { type: "dev.ark.run.succeeded", extensions: { arkhop } }));
  expect(await hop(15)).toBe(204);
  const [run] = await door.runs();
  expect(await requests(door, run?.metadata.name ?? "")).toMatchObject([{ hop: 16 }]);
  expect(await hop(16)).toBe(204);
  expect(await door.runs()).toHaveLength(1);
  expect(await letters(door)).toEqual(["HopLimit"]);
});

test("a tick is one fire, whoever sends it and under whatever id (P1, K2)", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({ source: { type: "cron", cron: "30 6 * * *" } });
  const tick = (id: string, time: string) => foreign(id, { type: "dev.knative.sources.ping", time });
  await deliver(door, tick("a", "2026-01-05T06:30:00.8Z"));
  await deliver(door, tick("b", "2026-01-05T06:29:59.5Z"));
  await deliver(door, tick("c", "2026-01-05T06:30:40Z"));
  expect(await door.runs()).toHaveLength(1);
  await deliver(door, tick("d", "2026-01-06T06:30:00Z"));
  expect(await door.runs()).toHaveLength(2);
});

test("D33, D47: Forbid is one claim; a skipped fire starts and counts nothing; the claim of an ended run is given back", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "order" } }] } },
    concurrencyPolicy: "Forbid",
  });
  await Promise.all(Array.from({ length: 20 }, (_, i) => deliver(door, foreign(`o${i}`))));
  const [run, ...more] = await door.runs();
  expect(more).toEqual([]);
  expect(door.fires.filter(({ outcome }) => outcome === "skipped")).toHaveLength(19);
  const name = run?.metadata.name ?? "";
  await door.end(name, "done");
  await door.js.locks.release("default.greet", name);
  const winner = door.fires.find(({ outcome }) => outcome === "fired");
  const index = Array.from({ length: 20 }, (_, i) => i).find((i) => winner?.key === sha256(`/shop\no${i}`));
  await deliver(door, foreign(`o${index}`));
  expect(await door.js.locks.holder("default.greet")).toBeUndefined();
  await deliver(door, foreign("next"));
  expect(await door.runs()).toHaveLength(2);
});

test("D47: a delivery that comes after its run was let go holds no claim, and the next fire starts (P4)", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "order" } }] } },
    concurrencyPolicy: "Forbid",
  });
  await deliver(door, foreign("first"));
  const [run] = await door.runs();
  const name = run?.metadata.name ?? "";
  await deliver(door, foreign("first"));
  expect((await door.js.locks.holder("default.greet"))?.runs).toEqual([name]);
  await door.js.locks.release("default.greet", name);
  await door.js.objects.delete("ArkRun", { namespace: NS, name });
  await deliver(door, foreign("first"));
  expect(await door.js.locks.holder("default.greet")).toBeUndefined();
  await deliver(door, foreign("next"));
  expect(await door.runs()).toHaveLength(1);
});

test("D5: a suspended event starts nothing and says so; what was sent again to it is a dead letter again", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({ suspended: true, source: { type: "cron", cron: "@daily" } });
  expect(await deliver(door, foreign("1"))).toBe(204);
  expect(await door.runs()).toEqual([]);
  expect(door.fires).toMatchObject([{ outcome: "skipped", reason: "Suspended" }]);
  const extensions = { arkreplay: `${NS}/greet`, arkletter: "1" };
  expect(await deliver(door, foreign("1", { extensions }))).toBe(204);
  expect(door.fires[1]).toMatchObject({ outcome: "dead-lettered", reason: "Suspended" });
  expect(await letters(door)).toEqual(["Suspended"]);
});

const PARENT = { namespace: NS, run: "outer-run-1", uid: "parent-uid", step: "inner", iteration: 0, attempt: 0 };
const child = (team: string): CloudEventRecord => ({
  specversion: "1.0",
  id: "parent-uid/child/blog-run-child",
  source: "/ark/default/arkrun/outer-run-1",
  type: "dev.ark.run.requested",
  data: { run: "blog-run-child", team, input: { topic: "nested" }, parent: PARENT, depth: 1, hop: 2 },
  extensions: { arknamespace: NS, arkrun: "outer-run-1" },
});

const AT_TEAM = "/addresses/default/arkteam/blog";
const AT_AGENT = "/addresses/default/arkagent/writer";

test("P1: an event at a team's address is one run of it, with those of its data that the team knows", async () => {
  await using door = await openDoor();
  expect(await deliver(door, foreign("a1"), AT_TEAM)).toBe(503);
  await door.team({ input: { topic: "sun", tone: "dry" } });
  const event = foreign("a1", { data: { topic: "rain", other: "x" }, extensions: { arkseq: 1, arkhop: 2 } });
  const statuses = await Promise.all(Array.from({ length: 5 }, () => deliver(door, event, AT_TEAM)));
  expect(new Set(statuses)).toEqual(new Set([204]));
  const [run, ...more] = await door.runs();
  expect(more).toEqual([]);
  expect(run?.spec).toMatchObject({ teamRef: "blog", input: { topic: "rain", tone: "dry" } });
  expect(run?.metadata.ownerReferences).toMatchObject([{ kind: "ArkTeam", name: "blog" }]);
  expect(await requests(door, run?.metadata.name ?? "")).toMatchObject([{ hop: 3 }]);
  await deliver(door, foreign("a2"), AT_TEAM);
  expect(await door.runs()).toHaveLength(2);
});

test("an event at an agent's address is a run of it: its prompt, or all of its data", async () => {
  await using door = await openDoor();
  const spec = ArkAgentSchema.shape.spec.parse({ model: "mock", systemPrompt: "You write." });
  const metadata = { name: "writer", namespace: NS };
  await door.js.objects.create("ArkAgent", { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkAgent", metadata, spec });
  const asked = async (id: string, data: unknown) => {
    const before = new Set((await door.runs()).map((run) => run.metadata.name));
    const { data: _data, ...event } = foreign(id);
    const status = await deliver(door, data === undefined ? event : { ...event, data }, AT_AGENT);
    expect(status).toBe(204);
    return (await door.runs()).filter((run) => !before.has(run.metadata.name)).map((run) => run.spec);
  };
  expect(await asked("1", { prompt: "Write.", input: { topic: "rain", n: 2, no: null } })).toEqual([
    { agent: "writer", prompt: "Write.", input: { topic: "rain", n: "2" } },
  ]);
  expect(await asked("2", { message: "hi" })).toEqual([{ agent: "writer", prompt: '{"message":"hi"}' }]);
  expect(await asked("3", undefined)).toEqual([]);
  expect(await letters(door, "writer")).toEqual(["NoPrompt"]);
});

test("H1: what is at no address, and the 17th hop, are recorded and answered 204", async () => {
  await using door = await openDoor();
  await door.team();
  expect(await deliver(door, foreign("h", { extensions: { arkhop: 16 } }), AT_TEAM)).toBe(204);
  expect(await letters(door, "blog")).toEqual(["HopLimit"]);
  expect(await deliver(door, foreign("k"), "/addresses/default/arkrun/blog")).toBe(204);
  expect(await deliver(door, foreign("n"), "/addresses/default/arkteam/..%2Fother")).toBe(204);
  expect(await door.runs()).toEqual([]);
});

test("a nested team's run has the name its parent gave it, and knows its parent", async () => {
  await using door = await openDoor();
  await door.team({ input: { tone: "dry" } });
  await deliver(door, child("blog"), "/");
  await deliver(door, child("blog"), "/anything");
  const [run, ...more] = await door.runs();
  expect(more).toEqual([]);
  expect(run).toMatchObject({
    metadata: { name: "blog-run-child" },
    spec: { input: { topic: "nested", tone: "dry" } },
  });
  expect(await requests(door, "blog-run-child")).toMatchObject([{ parent: PARENT, depth: 1, hop: 2 }]);
});

test("P4: a nested team that never appears fails the parent's step", async () => {
  await using door = await openDoor();
  expect(await deliver(door, child("nobody"), "/")).toBe(503);
  expect(await deliver(door, child("nobody"), "/dead-letter")).toBe(204);
  const finished = await door.js.factLog.finished({ namespace: NS, run: PARENT.run }, PARENT);
  expect(finished?.fact).toMatchObject({ outcome: { kind: "failed", code: "TeamNotFound", mayPass: false } });
});

test("P5: a run made by hand gets the snapshot in one write, keeps what it was given, and is announced", async () => {
  await using door = await openDoor();
  const made = (await door.js.objects.create("ArkRun", byHand("blog-run-hand"))).object;
  expect(await completeRun(made, door.dispatcherDeps)).toMatchObject({ kind: "retry" });
  await door.team({ input: { topic: "sun", tone: "dry" } });
  expect(await completeRun(made, door.dispatcherDeps)).toEqual({ kind: "done" });
  expect(await completeRun(made, door.dispatcherDeps)).toEqual({ kind: "done" });
  const [run] = await door.runs();
  expect(run?.spec).toMatchObject({ teamGeneration: 1, input: { topic: "mine", tone: "dry" }, pipeline: [{}] });
  expect(await requests(door, "blog-run-hand")).toMatchObject([{ uid: made.metadata.uid, spec: run?.spec }]);
});

test("ark retry takes succeeded steps over, runs failed ones and what depends on them again", async () => {
  await using door = await openDoor();
  await door.team();
  await door.end("blog-run-old", "kept");
  const retry = byHand("blog-run-new", { "arkonis.dev/retry-of": "blog-run-old" });
  const made = (await door.js.objects.create("ArkRun", retry)).object;
  await completeRun(made, door.dispatcherDeps);
  expect(await requests(door, "blog-run-new")).toMatchObject([{ carried: { write: { output: { inline: "kept" } } } }]);
  const earlier = (await door.js.runStates.get({ namespace: NS, run: "blog-run-old" }))!.state;
  const [done] = Object.values(earlier.steps);
  if (done?.phase !== "succeeded") throw new Error("the earlier run's step succeeded");
  const skipped: StepState = { ...done, phase: "skipped", message: "" };
  const steps = { a: done, b: done, c: skipped, d: done };
  const pipeline = [{ role: "a" }, { role: "b", dependsOn: ["a"] }, { role: "c" }, { role: "d", dependsOn: ["c"] }];
  expect(Object.keys(carriedResults({ ...earlier, steps }, pipeline, []))).toEqual(["a", "b"]);
  expect(Object.keys(carriedResults({ ...earlier, steps }, pipeline, ["b"]))).toEqual(["a"]);
});

test("a dead letter that is sent again fires the ArkEvent that lost it, by every way, and no other that it matches", async () => {
  await using door = await openDoor();
  await door.team({}, "other");
  const source = { type: "cloudevent" as const, cloudevent: { filters: [{ exact: { type: "order" } }] } };
  await door.event({ source, targets: [{ team: "blog" }] });
  await door.event({ source, targets: [{ team: "other" }] }, {}, "second");
  expect(await deliver(door, foreign("1"), "/dead-letter/default/greet")).toBe(204);
  expect(await letters(door)).toEqual(["TeamNotFound"]);
  await door.team();
  const sent = await door.js.deadLetters.replay({ namespace: NS, event: "greet" }, 1, () => true);
  expect(sent).toMatchObject({ sent: 1, left: 0 });
  const [again] = await door.outbox();
  if (again === undefined) throw new Error("nothing in the outbox");
  expect(await deliver(door, again.cloudEvent, "/events/default/second")).toBe(204);
  expect(await door.runs()).toEqual([]);
  for (const path of ["/events/default/greet", "/events/default/greet", "/dead-letter/default/greet"])
    expect(await deliver(door, again.cloudEvent, path)).toBe(204);
  expect((await door.runs()).map(({ spec }) => spec.teamRef)).toEqual(["blog"]);
});

test("a dead letter that is sent again and lost again is a dead letter again, however soon: its id is another", async () => {
  await using door = await openDoor();
  await door.event({ source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "order" } }] } } });
  expect(await deliver(door, foreign("1"), "/dead-letter/default/greet")).toBe(204);
  for (let time = 0; time < 3; time += 1) {
    const [again] = await sentAgain(door);
    expect(await letters(door)).toEqual([]);
    expect(await deliver(door, again!, "/dead-letter/default/greet")).toBe(204);
    expect(await letters(door)).toEqual(["TeamNotFound"]);
  }
});

test("D5, D47: under Forbid a dead letter that is sent again starts a run, or is a dead letter again: none is skipped", async () => {
  await using door = await openDoor();
  await door.event({
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "order" } }] } },
    concurrencyPolicy: "Forbid",
  });
  for (const id of ["1", "2", "3"]) await deliver(door, foreign(id), "/dead-letter/default/greet");
  expect(await letters(door)).toEqual(["TeamNotFound", "TeamNotFound", "TeamNotFound"]);
  await door.team();
  for (const left of [2, 1, 0]) {
    for (const event of await sentAgain(door)) expect(await deliver(door, event)).toBe(204);
    expect(await letters(door)).toEqual(Array.from({ length: left }, () => "ConcurrencyForbidden"));
    const [name = ""] = (await door.js.locks.holder("default.greet"))?.runs ?? [];
    await door.end(name, "done");
    await door.js.locks.release("default.greet", name);
  }
  expect(await door.runs()).toHaveLength(3);
  expect(door.fires.filter(({ outcome }) => outcome === "skipped")).toEqual([]);
});

test("a run's event that is sent again for one ArkEvent waits for its confirmation: the Broker may drop it as a double", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event({
    source: { type: "team-output", teamOutput: { name: "first", onPhase: "Succeeded" } },
    targets: [{ team: "blog" }],
  });
  const ended = foreign("uid-1/end", {
    type: "dev.ark.run.succeeded",
    source: "/ark/default/arkrun/first-run-1",
    extensions: { arknamespace: NS, arkteam: "first", arkrun: "first-run-1", arkreplay: `${NS}/greet` },
  });
  await door.js.outbox.publish({ namespace: NS, event: "greet", key: "k", cloudEvent: ended, firedAt: 0 }, "uid");
  await relayedBy(door, 1);
  expect(await door.runs()).toHaveLength(1);
});

test("P1: the relay posts until the dispatcher has confirmed; a Broker that loses events loses none of ours", async () => {
  await using door = await openDoor();
  await door.team();
  await door.event();
  for (let i = 0; i < 5; i++) expect((await door.post({ i })).status).toBe(202);
  await relayedBy(door, 5);
  expect(await door.runs()).toHaveLength(5);
  expect(await waitingIn(door)).toBe(0);
});

test.each(RUN_EVENT_TYPES)("O1: the Broker settles %s: nobody may want it, so nobody confirms it", async (type) => {
  await using door = await openDoor();
  const told = foreign("uid-1/emit", { type, source: "/ark/default/arkrun/first-run-1", extensions: {} });
  await door.js.outbox.publish({ namespace: NS, event: "-runs", key: "k", cloudEvent: told, firedAt: 0 }, "uid");
  const stop = new AbortController();
  const post: RelayDeps["post"] = async () => ({ kind: "accepted" });
  const relaying = relay({ outbox: door.js.outbox, post, log: quiet, maxPending: 10 }, stop.signal);
  await expect.poll(() => waitingIn(door), { timeout: 20_000 }).toBe(0);
  stop.abort();
  await relaying;
});

async function waitingIn({ nats }: Door): Promise<number | undefined> {
  return (await nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages;
}

/** Until `count` events have arrived, by a Broker that takes every event and loses each once: as one whose pod dies. */
async function relayedBy({ js, dispatcher }: Door, count: number): Promise<void> {
  const stop = new AbortController();
  const lost = new Set<string>();
  const arrived = new Lock(count, 20_000);
  const post: RelayDeps["post"] = async (event, signal) => {
    if (!lost.has(event.id)) {
      lost.add(event.id);
      return { kind: "accepted" };
    }
    const outcome = await postEvent(`${dispatcher.url}/events/default/greet`, event, { timeoutMs: 5_000, signal });
    if (outcome.kind === "accepted") arrived.unlock();
    return outcome;
  };
  const relaying = relay({ outbox: js.outbox, post, log: quiet, maxPending: 10, againMs: 50 }, stop.signal);
  await arrived.done;
  stop.abort();
  await relaying;
}

function byHand(name: string, annotations: Record<string, string> = {}): ArkRun {
  return {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name, namespace: NS, annotations },
    spec: { teamRef: "blog", input: { topic: "mine" } },
  };
}
