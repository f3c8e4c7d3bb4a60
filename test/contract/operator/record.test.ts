/** The record of runs at the front door: a real API server keeps the Secret, a real nats-server the facts. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { INLINE_LIMIT_BYTES } from "#core/events/text.ts";
import type { Fact } from "#core/events/facts.ts";
import { type RunName, type StoredFact, StoreUnavailable } from "#core/ports/record.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { jsonLines } from "../../../cli/ndjson.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import { type Children, kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { createFront } from "../../../operator/front/front.ts";
import { createRecord, type RecordDeps } from "../../../operator/front/record.ts";
import { createRecordTokens, recordDigests } from "../../../operator/record-tokens.ts";
import { Lock } from "../../harness/lock.ts";
import { QUIET } from "./quiet.ts";
import { type OperatorWorld, startOperatorWorld } from "./world.ts";

vi.setConfig({ testTimeout: 120_000 });

const NS = "default";
const CORE = `/api/v1/namespaces/${NS}`;
const SECRET = `${CORE}/secrets/${RECORD_SECRET}`;
const key = { step: "write", iteration: 0, attempt: 0 };
const usage = { inputTokens: 1, outputTokens: 2 };

let world: OperatorWorld;
let clock = 0;
let token: string;
const stop = new AbortController();
const doors: Serving[] = [];

beforeAll(async () => {
  world = await startOperatorWorld({ knative: false });
  await tokens().ensure(NS);
  token = await tokenNow();
});
afterAll(async () => {
  await Promise.all(doors.map((door) => door.stop(0)));
  await world?.[Symbol.asyncDispose]();
});

const children = () => kubeChildren(openKube({ kubeconfig: world.api.kubeconfig }), "test");
const tokens = (newToken = () => "first-token") =>
  createRecordTokens(children(), { newToken, now: () => clock, log: QUIET });

async function tokenNow(): Promise<string> {
  const { body } = await world.api.request("GET", SECRET);
  const { token: encoded = "" } = body["data"] as { token?: string };
  return Buffer.from(encoded, "base64").toString();
}

async function open(options: Partial<RecordDeps> = {}): Promise<string> {
  const record = createRecord({
    facts: world.js.factLog,
    outputs: world.js.outputs,
    states: world.js.runStates,
    digestOf: recordDigests(children(), { now: () => clock, looks: rate(1_000) }),
    rate: rates({}),
    log: QUIET,
    signal: stop.signal,
    ...options,
  });
  const front = createFront({
    upstream: "http://127.0.0.1:9",
    services: { get: () => Promise.resolve(undefined) },
    routerUrl: () => expect.unreachable(),
    record,
    ready: () => true,
    log: QUIET,
  });
  const door = await serve(front.listener, { port: 0, host: "127.0.0.1" });
  doors.push(door);
  return door.url;
}

/** So many requests, and then none for a long while. */
const rate = (burst: number) => createRateLimit({ perSecond: 0.001, burst, maxKeys: 8, now: () => 0 });

const rates = (of: { readonly total?: number; readonly perNamespace?: number; readonly wrong?: number }) => {
  const { total = 1_000, perNamespace = 1_000, wrong = 1_000 } = of;
  return { total: rate(total), perNamespace: rate(perNamespace), wrong: rate(wrong) };
};

const ask = (url: string, path: string, bearer = token, init: RequestInit = {}) =>
  fetch(`${url}/record/${path}`, { ...init, headers: { authorization: `Bearer ${bearer}` } });
/** In its body, or before its head has come: a reset takes what is still on its way. */
const BROKEN = /terminated|fetch failed/;
const ref = (run: string) => ({ namespace: NS, run, uid: `uid-${run}` });
const publish = (run: string, fact: Fact) => world.js.factLog.publish(ref(run), fact);
const started: Fact = { kind: "step.started", at: 1, instance: "i", ...key };
const requested = (run: string): Fact => ({
  kind: "run.requested",
  at: 0,
  ...ref(run),
  spec: { teamRef: "t" },
  depth: 0,
  hop: 0,
});

async function kinds(response: Response): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of jsonLines(response.body ?? new ReadableStream())) found.push((line as StoredFact).fact.kind);
  return found;
}

describe("who may read", () => {
  test("no token, a wrong one, a namespace that has none: 401, and the same words", async () => {
    const url = await open();
    await publish("r1", requested("r1"));
    const answers = await Promise.all([
      fetch(`${url}/record/${NS}/r1/facts`),
      ask(url, `${NS}/r1/facts`, "wrong"),
      ask(url, `${NS}/nobody/facts`, "wrong"),
      ask(url, "kube-system/r1/facts"),
      ask(url, "No_Name/r1/facts"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { detail: string; code: string }[];
    expect(new Set(bodies.map(({ detail, code }) => `${code} ${detail}`)).size).toBe(1);
    expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
    expect((await ask(url, `${NS}/r1/facts`, token, { method: "POST" })).status).toBe(405);
    expect((await ask(url, `${NS}/r1/else`)).status).toBe(404);
  });

  test("T1: made once, left as the user changes it, made anew when it is deleted; a new one counts in a while", async () => {
    await tokens(() => "second").ensure(NS);
    expect(await tokenNow()).toBe("first-token");
    const url = await open();
    expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
    await world.api.request("DELETE", SECRET);
    await tokens(() => "third").ensure(NS);
    expect((await ask(url, `${NS}/r1/facts`, "third")).status).toBe(401);
    clock += 60_000;
    expect((await ask(url, `${NS}/r1/facts`, "third")).status).toBe(200);
    expect((await ask(url, `${NS}/r1/facts`, "first-token")).status).toBe(401);
    token = "third";
  });

  test("the operator makes it with the first team of a namespace, or the first run", async () => {
    world.lead();
    const make = async (namespace: string, kind: string, spec: object) => {
      await world.api.request("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
      const path = `/apis/arkonis.dev/v1alpha1/namespaces/${namespace}/${kind.toLowerCase()}s`;
      const apiVersion = "arkonis.dev/v1alpha1";
      const made = await world.api.request("POST", path, { apiVersion, kind, metadata: { name: "first" }, spec });
      expect(made.status, JSON.stringify(made.body)).toBe(201);
    };
    await make("with-team", "ArkTeam", { roles: [{ name: "a", arkAgent: "a" }], pipeline: [{ role: "a" }] });
    await make("with-run", "ArkRun", { teamRef: "t" });
    for (const namespace of ["with-team", "with-run"]) {
      const made = async () => (await world.api.request("GET", SECRET.replace(NS, namespace))).status;
      await expect.poll(made, { timeout: 60_000 }).toBe(200);
    }
    await world.stopLeading();
  });

  test("R2: too many at once are told when to come again", async () => {
    const url = await open({ rate: rates({ total: 1 }) });
    expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
    const refused = await ask(url, `${NS}/r1/facts`);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("R2: whoever reads a namespace without end keeps nobody from another one", async () => {
    const other = "with-team";
    const { body } = await world.api.request("GET", SECRET.replace(NS, other));
    const { token: encoded = "" } = body["data"] as { token?: string };
    const url = await open({ rate: rates({ total: 6, perNamespace: 2 }) });
    expect(await refusals(() => ask(url, `${NS}/r1/facts`))).toBe(18);
    expect((await ask(url, `${other}/r1/facts`, Buffer.from(encoded, "base64").toString())).status).toBe(200);
  });

  test("R4: wrong tokens without end are bounded, and keep nobody with the right one from that namespace", async () => {
    const url = await open({ rate: rates({ wrong: 2 }) });
    expect(await refusals(() => ask(url, `${NS}/r1/facts`, "wrong"))).toBe(18);
    expect(await refusals(() => fetch(`${url}/record/${NS}/r1/facts`))).toBe(20);
    expect(await refusals(() => ask(url, "No_Name/r1/facts"))).toBe(18);
    expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
  });

  test("T2: whoever names namespaces without end costs so many looks, and keeps nobody from one with a token", async () => {
    const looked: string[] = [];
    const get: Pick<Children, "get">["get"] = (kind, key) => {
      looked.push(key.namespace);
      return children().get(kind, key);
    };
    const url = await open({ digestOf: recordDigests({ get }, { now: () => clock, looks: rate(3) }) });
    expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
    let count = 0;
    expect(await refusals(() => ask(url, `stranger-${(count += 1)}/r1/facts`, "wrong"))).toBe(18);
    expect(looked).toHaveLength(3);
    clock += 60_000;
    const again = await Promise.all(Array.from({ length: 9 }, () => ask(url, `${NS}/r1/facts`)));
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 200));
    expect(looked.filter((namespace) => namespace === NS)).toHaveLength(2);
  });
});

/** How many of 20 were told to come again. */
async function refusals(request: () => Promise<Response>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 20 }, request));
  return answers.filter(({ status }) => status === 429).length;
}

describe("what is read", () => {
  test("facts up to now, turns among them; from a number on", async () => {
    const url = await open();
    await publish("r2", requested("r2"));
    const { seq } = await publish("r2", started);
    const turn: Fact = { kind: "step.turn", at: 2, ...key, turn: 0, usage, model: "m", record: { inline: "{}" } };
    await publish("r2", turn);
    expect(await kinds(await ask(url, `${NS}/r2/facts`))).toEqual(["run.requested", "step.started", "step.turn"]);
    expect(await kinds(await ask(url, `${NS}/r2/facts?fromSeq=${seq + 1}`))).toEqual(["step.turn"]);
    expect((await ask(url, `${NS}/r2/facts?fromSeq=0`)).status).toBe(400);
    expect(await kinds(await ask(url, `${NS}/unknown/facts`))).toEqual([]);
  });

  test("follow: what comes as it comes; a reader that leaves makes room, and the end of the process ends it", async () => {
    const own = new AbortController();
    const url = await open({ maxReaders: 1, signal: own.signal });
    await publish("r3", requested("r3"));
    const leaving = new AbortController();
    const first = await ask(url, `${NS}/r3/facts?follow=true`, token, { signal: leaving.signal });
    expect(first.status).toBe(200);
    const other = await ask(url, `${NS}/r3/facts`);
    expect(other.status).toBe(429);
    await other.body?.cancel();
    leaving.abort();
    const again = async () => {
      const answer = await ask(url, `${NS}/r3/facts?follow=true`);
      if (answer.status !== 200) await answer.body?.cancel();
      return answer.status === 200 ? answer : undefined;
    };
    const second = await vi.waitUntil(again, { timeout: 60_000, interval: 20 });
    const seen: string[] = [];
    for await (const line of jsonLines(second.body ?? new ReadableStream())) {
      seen.push((line as StoredFact).fact.kind);
      if (seen.length === 1) await publish("r3", started);
      else own.abort();
    }
    expect(seen).toEqual(["run.requested", "step.started"]);
  });

  test("a reader's time is limited", async () => {
    const url = await open({ maxMs: 50 });
    await publish("r4", requested("r4"));
    expect((await kinds(await ask(url, `${NS}/r4/facts?follow=true`))).length).toBeLessThanOrEqual(1);
  });

  test("whole: long texts themselves, up to what the operator can bear", async () => {
    const url = await open();
    const home = { namespace: NS };
    const [long, huge] = await Promise.all(
      [INLINE_LIMIT_BYTES + 1, 600 * 1024].map((size) => world.js.outputs.store(home, "x".repeat(size))),
    );
    for (const [attempt, output] of [long, huge].entries()) {
      const outcome = { kind: "done", output: output ?? { inline: "" } } as const;
      await publish("r5", { kind: "step.finished", at: 3, ...key, attempt, outcome, usage });
    }
    const read: StoredFact[] = [];
    for await (const line of jsonLines((await ask(url, `${NS}/r5/facts?whole=true`)).body ?? new ReadableStream()))
      read.push(line as StoredFact);
    expect(read.map(({ fact }) => fact)).toMatchObject([
      { outcome: { output: { inline: expect.stringMatching(/^x{32769}$/) } } },
      { outcome: { output: { ref: { bytes: 600 * 1024 } } } },
    ]);
  });

  test("R3: a record that cannot be read on breaks off, and does not look whole", async () => {
    await publish("r7", requested("r7"));
    async function* history(run: RunName) {
      yield* world.js.factLog.history(run);
      throw new StoreUnavailable("the line broke");
    }
    const url = await open({ facts: { ...world.js.factLog, history } });
    await expect(ask(url, `${NS}/r7/facts`).then((answer) => answer.text())).rejects.toThrow(BROKEN);
  });

  test("R3: a read that the end of the process or its own time cuts short breaks off, also while its reader is slow", async () => {
    const fact: Fact = { kind: "step.turn", at: 2, ...key, turn: 0, usage, model: "m", record: { inline: "t" } };
    for (let turn = 0; turn < 4; turn++) await publish("r10", { ...fact, turn });
    const cut = async (options: Partial<RecordDeps>) => (await ask(await open(options), `${NS}/r10/facts`)).text();
    const own = new AbortController();
    async function* ending(run: RunName) {
      for await (const stored of world.js.factLog.history(run)) {
        yield stored;
        own.abort();
      }
    }
    const facts = world.js.factLog;
    await expect(cut({ facts: { ...facts, history: ending }, signal: own.signal })).rejects.toThrow(BROKEN);
    async function* endless(run: RunName) {
      for (;;) yield* world.js.factLog.history(run);
    }
    await expect(cut({ facts: { ...facts, history: endless }, maxMs: 500 })).rejects.toThrow(BROKEN);

    const late = new AbortController();
    const given = new Lock(1);
    // More than the sockets between hold.
    const record = { inline: "t".repeat(16 * 1024 * 1024) };
    async function* long(run: RunName) {
      for await (const stored of world.js.factLog.history(run)) {
        given.unlock();
        yield { ...stored, fact: { ...fact, record } };
      }
    }
    const url = await open({ facts: { ...facts, history: long }, signal: late.signal });
    const slow = await ask(url, `${NS}/r10/facts`);
    await given.done;
    late.abort();
    await expect(slow.text()).rejects.toThrow(BROKEN);
  });

  test("whole: a text that is gone stays a reference, and what comes after it is read", async () => {
    const url = await open();
    const output = { ref: { digest: `sha256:${"0".repeat(64)}`, bytes: 40_000, preview: "once" } };
    await publish("r8", { kind: "step.finished", at: 3, ...key, outcome: { kind: "done", output }, usage });
    await publish("r8", { ...started, attempt: 1 });
    const text = await (await ask(url, `${NS}/r8/facts?whole=true`)).text();
    expect(text).toContain('"preview":"once"');
    expect(text.trimEnd().split("\n")).toHaveLength(2);
  });

  test("the output of a run that succeeded, whole; 404 before", async () => {
    const url = await open();
    expect((await ask(url, `${NS}/r6/output`)).status).toBe(404);
    const output = await world.js.outputs.store({ namespace: NS }, "y".repeat(INLINE_LIMIT_BYTES + 1));
    const state = { version: 1, ...ref("r6"), spec: { teamRef: "t" }, depth: 0, hop: 0, startedAt: 1 } as const;
    await world.js.runStates.put(
      { ...state, phase: { kind: "succeeded", endedAt: 2, output }, steps: {}, issued: {} },
      0,
    );
    const lost = { ref: { digest: `sha256:${"0".repeat(64)}`, bytes: 40_000, preview: "once" } };
    const gone = { ...state, ...ref("r11"), phase: { kind: "succeeded", endedAt: 2, output: lost } } as const;
    await world.js.runStates.put({ ...gone, steps: {}, issued: {} }, 0);
    expect((await ask(url, `${NS}/r11/output`)).status).toBe(404);
    const answer = await ask(url, `${NS}/r6/output`);
    expect(await answer.json()).toEqual({ output: expect.stringMatching(/^y{32769}$/) });
  });
});

test("R2: whole outputs are read a few at a time; one that is not taken off holds its place, and gives it back", async () => {
  // More than the sockets between hold: a send buffer alone may grow to 4 MiB.
  const bytes = 16 * 1024 * 1024;
  const url = await open({ maxOutputs: 1, maxOutputBytes: bytes });
  const output = await world.js.outputs.store({ namespace: NS }, "z".repeat(bytes));
  const state = { version: 1, ...ref("r9"), spec: { teamRef: "t" }, depth: 0, hop: 0, startedAt: 1 } as const;
  await world.js.runStates.put(
    { ...state, phase: { kind: "succeeded", endedAt: 2, output }, steps: {}, issued: {} },
    0,
  );
  // Nobody reads its body.
  const slow = request(`${url}/record/${NS}/r9/output`, { headers: { authorization: `Bearer ${token}` } }).end();
  const [answer] = (await once(slow, "response")) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  expect((await ask(url, `${NS}/r9/output`)).status).toBe(429);
  expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
  slow.destroy();
  await expect.poll(async () => (await ask(url, `${NS}/r9/output`)).status, { timeout: 60_000 }).toBe(200);
});

test("R3: while the API server is away it is 503, and comes back", async () => {
  const url = await open();
  await world.api.stop();
  const away = await ask(url, `${NS}/r1/facts`);
  expect(away.status).toBe(503);
  expect(away.headers.get("retry-after")).toBe("5");
  await world.api.restart();
  expect((await ask(url, `${NS}/r1/facts`)).status).toBe(200);
});
