/** The webhook's HTTP API (api 13) over real HTTP and a real nats-server: every documented status. */
import { once } from "node:events";
import * as net from "node:net";
import { expect, test } from "vitest";
import { tokenDigest } from "#platform/http/bearer.ts";
import { NS, openDoor, TOKEN, type Door } from "../harness/door.ts";

const OTHER = { authorization: "Bearer wrong" };

type Accepted = { fired: boolean; firedAt: string; trigger: string; targets: number; runs: string[]; reason?: string };

async function accepted(response: Response): Promise<Accepted> {
  expect(response.status).toBe(202);
  return (await response.json()) as Accepted;
}

async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ status: response.status, type: `https://ark.dev/problems/${String(body["code"])}` });
  return body;
}

/** The code, and that nothing was stored. */
async function refused(door: Door, response: Response, status: number, code: string): Promise<Record<string, unknown>> {
  expect(response.status).toBe(status);
  const body = await problem(response);
  expect(body["code"]).toBe(code);
  expect((await door.nats.monitor.jsz()).streams.find(({ name }) => name === "ARK_EVENTS")?.state.messages).toBe(0);
  return body;
}

test("P1: 202 names the runs, and the event is stored by then", async () => {
  await using door = await openDoor();
  await door.event({ targets: [{ team: "blog" }, { agent: "clerk", prompt: "file it" }] });
  const response = await door.post({ topic: "rain" });
  const body = await accepted(response);
  expect(body).toMatchObject({ fired: true, trigger: "greet", targets: 2 });
  expect(body.firedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(body.runs[0]).toMatch(/^blog-run-[a-z0-9]{10}$/);
  expect(body.runs[1]).toMatch(/^clerk-run-[a-z0-9]{10}$/);
  expect(response.headers.get("location")).toBe(`/runs/default/${body.runs[0]}`);
  const [event, ...more] = await door.outbox();
  expect(more).toEqual([]);
  expect(event).toMatchObject({ namespace: NS, event: "greet", cloudEvent: { data: { topic: "rain" } } });
  const fire = await fetch(`${door.webhook.url}/triggers/${NS}/greet/fire`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect((await accepted(fire)).runs).not.toEqual(body.runs);
});

test("D38: wrong token, unknown event, event of another type and a token in the URL answer alike", async () => {
  await using door = await openDoor();
  await door.event();
  await door.event({ source: { type: "cron", cron: "@daily" } }, {}, "nightly");
  const at = (path: string, headers: Record<string, string>) =>
    fetch(`${door.webhook.url}${path}`, { method: "POST", headers, body: "{}" });
  const good = { authorization: `Bearer ${TOKEN}` };
  const answers = [
    await at("/triggers/default/greet", OTHER),
    await at("/triggers/default/greet", {}),
    await at("/triggers/default/unknown", good),
    await at("/triggers/default/nightly", good),
    await at("/triggers/default/NOT..A*NAME", good),
    await at(`/triggers/default/greet?token=${TOKEN}`, {}),
  ];
  const bodies = new Set<string>();
  for (const answer of answers) {
    const { instance, ...body } = await refused(door, answer, 401, "unauthorized");
    expect(instance).toMatch(/^\/triggers\//);
    bodies.add(JSON.stringify(body));
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  }
  expect(bodies.size).toBe(1);
});

test("D39: a changed token counts at once, the old one stops", async () => {
  await using door = await openDoor();
  await door.event({}, { tokenDigest: tokenDigest("other") });
  expect((await door.post({})).status).toBe(401);
  expect((await door.post({}, { headers: { authorization: "Bearer other" } })).status).toBe(202);
});

test("P10, D37, D46: bad requests say what is wrong, and nothing is fired", async () => {
  await using door = await openDoor();
  const inputs = [
    { name: "topic", type: "string" as const, required: true },
    { name: "words", type: "number" as const, required: false },
  ];
  await door.event({}, { targets: [{ team: "blog", hasInput: false, inputs }] });
  const ok = { topic: "rain" };
  const bad = await refused(door, await door.post(ok, { raw: '{"topic": rain}' }), 400, "bad-json");
  expect(bad["detail"]).toMatch(/position|token/);
  const refusals = [
    [await door.post(ok, { query: "?mode=later" }), 400, "bad-mode", "mode"],
    [await door.post(ok, { query: "?mode=sync&timeout=2" }), 400, "bad-timeout", "timeout"],
    [await door.post(ok, { query: "?mode=sync&timeout=2h" }), 400, "bad-timeout", "timeout"],
    [await door.post({ words: 3 }), 400, "invalid-input", "topic"],
    [await door.post({ ...ok, words: "many" }), 400, "invalid-input", "words"],
    [await door.post(ok, { headers: { "idempotency-key": "k".repeat(256) } }), 400, "invalid-input", "Idempotency-Key"],
    [await door.post(ok, { headers: { "content-type": "text/xml" } }), 415, "unsupported-media", undefined],
    [await door.post(ok, { headers: { "content-encoding": "gzip" } }), 415, "unsupported-media", undefined],
    [await door.post(ok, { raw: "[".repeat(10_000) }), 400, "bad-json", undefined],
    [await door.post(ok, { raw: `{"topic":"${"x".repeat(1024 * 1024)}"}` }), 413, "too-large", undefined],
    [await door.post(ok, { raw: `[${"1e20,".repeat(200_000)}0]` }), 413, "too-large", undefined],
    [await door.post(ok, { headers: { "content-type": "application/cloudevents+json" } }), 400, "bad-json", undefined],
  ] as const;
  for (const [response, status, code, field] of refusals) {
    expect((await refused(door, response, status, code))["field"]).toBe(field);
  }
  expect((await fetch(`${door.webhook.url}/triggers/default/greet`)).status).toBe(405);
  expect((await fetch(`${door.webhook.url}/triggers/default`, { method: "POST" })).status).toBe(404);
  expect((await door.post(ok)).status).toBe(202);
});

test("a body may be absent, or JSON without a type; other text without a type is refused", async () => {
  await using door = await openDoor();
  await door.event();
  const url = `${door.webhook.url}/triggers/default/greet`;
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect((await fetch(url, { method: "POST", headers })).status).toBe(202);
  const blob = (text: string) => new Blob([text]);
  expect((await fetch(url, { method: "POST", headers, body: blob('{"a":1}') })).status).toBe(202);
  expect((await fetch(url, { method: "POST", headers, body: blob("hello") })).status).toBe(415);
  expect((await door.outbox()).map(({ cloudEvent }) => cloudEvent.data)).toEqual([{}, { a: 1 }]);
});

test("a body of exactly 1 MiB fires, whole", async () => {
  await using door = await openDoor();
  await door.event();
  const raw = `{"topic":"${"x".repeat(1024 * 1024 - 12)}"}`;
  expect(raw.length).toBe(1024 * 1024);
  expect((await door.post({}, { raw })).status).toBe(202);
  expect((await door.outbox()).map(({ cloudEvent }) => JSON.stringify(cloudEvent.data))).toEqual([raw]);
});

test("D38: a body that does not end is refused with 408", async () => {
  await using door = await openDoor({ bodyTimeoutMs: 50 });
  await door.event();
  const socket = net.connect(door.webhook.port, "127.0.0.1");
  socket.write(
    `POST /triggers/default/greet HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 9\r\n\r\n{`,
  );
  const [chunk] = (await once(socket, "data")) as [Buffer];
  expect(chunk.toString()).toMatch(/^HTTP\/1.1 408 /);
  expect(chunk.toString()).toContain('"code":"slow-body"');
  socket.destroy();
});

test("suspended: 503 without Retry-After; rate: 429 with it; E12", async () => {
  await using door = await openDoor({ perSecond: 1, burst: 2 });
  await door.event({ suspended: true });
  const suspended = await door.post({});
  expect(suspended.headers.get("retry-after")).toBeNull();
  await refused(door, suspended, 503, "suspended");
  await door.post({});
  const limited = await door.post({});
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  await refused(door, limited, 429, "rate-limited");
});

test("P1: 50 simultaneous deliveries with one key give one set of runs; another body is 422", async () => {
  await using door = await openDoor();
  await door.event({ targets: [{ team: "blog" }, { team: "press" }] });
  const headers = { "idempotency-key": "order-7" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => door.post({ topic: "rain" }, { headers })));
  const bodies = await Promise.all(answers.map(accepted));
  expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  const replayed = answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true");
  expect(replayed).toHaveLength(49);
  expect(await door.outbox()).toHaveLength(1);
  const mismatch = await door.post({ topic: "sun" }, { headers });
  expect([mismatch.status, (await problem(mismatch))["code"]]).toEqual([422, "idempotency-mismatch"]);
  const later = await accepted(await door.post({ topic: "rain" }, { headers: { "idempotency-key": "order-8" } }));
  expect(later.runs).not.toEqual(bodies[0]?.runs);
});

test("D34: 200 calls at once give 200 fires with 200 names", async () => {
  await using door = await openDoor();
  await door.event();
  const bodies = await Promise.all(Array.from({ length: 200 }, async (_, i) => accepted(await door.post({ i }))));
  expect(new Set(bodies.flatMap(({ runs }) => runs)).size).toBe(200);
  expect(await door.outbox()).toHaveLength(200);
});

test("CloudEvents: binary, structured and batched; source and id are the key (P1)", async () => {
  await using door = await openDoor();
  await door.event();
  const event = { specversion: "1.0", id: "7", source: "/shop", type: "order", data: { topic: "rain" } };
  const structured = { headers: { "content-type": "application/cloudevents+json" } };
  const first = await accepted(await door.post(event, structured));
  const again = await door.post(event, structured);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await accepted(again)).runs).toEqual(first.runs);
  const binary = await door.post(
    { topic: "rain" },
    { headers: { "ce-specversion": "1.0", "ce-id": "7", "ce-source": "/shop", "ce-type": "order" } },
  );
  expect((await accepted(binary)).runs).toEqual(first.runs);
  const batch = await door.post([event, { ...event, id: "8" }], {
    headers: { "content-type": "application/cloudevents-batch+json" },
  });
  const both = await accepted(batch);
  expect(both.runs[0]).toBe(first.runs[0]);
  expect(both.runs).toHaveLength(2);
  expect(await door.outbox()).toHaveLength(2);
});

test("D37: sync waits for the end: 200 with the output, or 504 that names the run, which goes on", async () => {
  await using door = await openDoor();
  await door.event();
  const headers = { "idempotency-key": "one" };
  const { runs } = await accepted(await door.post({}, { headers }));
  const [run = ""] = runs;
  const late = await door.post({}, { query: "?mode=sync&timeout=1s", headers });
  expect(late.status).toBe(504);
  expect(late.headers.get("location")).toBe(`/runs/default/${run}`);
  expect(await problem(late)).toMatchObject({ code: "timeout", runName: run, location: `/runs/default/${run}` });
  const waiting = door.post({}, { query: "?mode=sync&timeout=60s", headers });
  await door.end(run, "done at last");
  const answer = await waiting;
  expect([answer.status, await answer.json()]).toEqual([
    200,
    {
      status: "succeeded",
      output: "done at last",
      durationMs: 2_500,
      runName: run,
      tokenUsage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    },
  ]);
});

test("D37: a run may be read with its event's token from the first moment, and waited for", async () => {
  await using door = await openDoor();
  await door.event();
  const [run = ""] = (await accepted(await door.post({}))).runs;
  const get = (query = "", token = TOKEN, name = run) =>
    fetch(`${door.webhook.url}/runs/default/${name}${query}`, { headers: { authorization: `Bearer ${token}` } });
  expect(await (await get()).json()).toEqual({ runName: run, phase: "Pending", steps: [] });
  expect((await get("", "wrong")).status).toBe(401);
  expect((await get("", TOKEN, "unknown-run")).status).toBe(401);
  expect((await get("?wait=soon")).status).toBe(400);
  const waiting = get("?wait=60s");
  await door.end(run, "the end");
  expect(await (await waiting).json()).toMatchObject({
    phase: "Succeeded",
    output: "the end",
    steps: [{ name: "write", phase: "Succeeded", output: "the end" }],
  });
});

test("E11: SSE tells the run from its start; Last-Event-ID goes on without gap or double", async () => {
  await using door = await openDoor();
  await door.event();
  const [run = ""] = (await accepted(await door.post({}))).runs;
  const ref = { namespace: NS, run, uid: "u" };
  const key = { step: "write", iteration: 0, attempt: 0 };
  await door.js.factLog.publish(ref, {
    kind: "run.requested",
    at: 1,
    namespace: NS,
    run,
    uid: "u",
    spec: { teamRef: "blog" },
    event: "greet",
    depth: 0,
    hop: 0,
  });
  await door.js.factLog.publish(ref, { kind: "step.started", at: 2, instance: "i", ...key });
  const events = (id?: string) =>
    fetch(`${door.webhook.url}/runs/default/${run}/events`, {
      headers: { authorization: `Bearer ${TOKEN}`, ...(id === undefined ? {} : { "last-event-id": id }) },
    });
  const live = await events();
  const usage = { inputTokens: 10, outputTokens: 5 };
  const outcome = { kind: "done" as const, output: { inline: "the end" } };
  await door.js.factLog.publish(ref, { kind: "step.finished", at: 3, outcome, usage, ...key });
  await door.end(run, "the end");
  const all = parseSse(await live.text());
  expect(all.map(({ event }) => event)).toEqual(["run.started", "step.started", "step.completed", "run.completed"]);
  expect(all.at(-1)?.data).toMatchObject({ status: "succeeded", output: "the end", runName: run });
  const rest = parseSse(await (await events(all[1]?.id)).text());
  expect(rest).toEqual(all.slice(2));
  expect((await events(all.at(-1)?.id)).status).toBe(204);
});

test("SSE: a step waits while the engine tries it again, and is completed when it does not", async () => {
  await using door = await openDoor();
  await door.event();
  const [run = ""] = (await accepted(await door.post({}))).runs;
  const ref = { namespace: NS, run, uid: "u" };
  const backoff = { duration: "2s", factor: 2, cap: "5m" };
  const validate = { onFailure: "retry", maxRetries: 1 } as const;
  const pipeline = [{ role: "once" }, { role: "write", retry: { limit: 1, backoff }, validate }];
  const spec = { teamRef: "blog", pipeline, priority: 0 };
  const request = {
    kind: "run.requested",
    at: 1,
    namespace: NS,
    run,
    uid: "u",
    event: "greet",
    depth: 0,
    hop: 0,
  } as const;
  await door.js.factLog.publish(ref, { ...request, spec });
  const failed = { kind: "failed", code: "provider.unavailable", message: "busy", mayPass: true } as const;
  const invalid = {
    kind: "invalid",
    code: "output.rejected",
    message: "no",
    answer: { inline: "x" },
    retryable: true,
  } as const;
  const finish = (step: string, attempt: number, outcome: typeof failed | typeof invalid) =>
    door.js.factLog.publish(ref, { kind: "step.finished", at: 3, step, iteration: 0, attempt, outcome });
  await finish("once", 0, failed);
  await finish("write", 0, invalid);
  await finish("write", 1, failed);
  await finish("write", 2, failed);
  await door.end(run, "the end");
  const answer = await fetch(`${door.webhook.url}/runs/default/${run}/events`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const told = parseSse(await answer.text()).map(({ event, data }) => {
    const { step, status } = data as { step?: string; status?: string };
    return [event, step, status];
  });
  expect(told.slice(1, -1)).toEqual([
    ["step.completed", "once", "failed"],
    ["step.waiting", "write", undefined],
    ["step.waiting", "write", undefined],
    ["step.completed", "write", "failed"],
  ]);
});

test("SSE from the trigger: what happens, then a timeout that names the run", async () => {
  await using door = await openDoor();
  await door.event();
  const response = await door.post({}, { query: "?mode=sse&timeout=1s" });
  expect(response.status).toBe(200);
  const events = parseSse(await response.text());
  expect(events.map(({ event }) => event)).toEqual(["error"]);
  expect(events[0]?.data).toMatchObject({ code: "timeout" });
});

test("D47: Forbid: async says fired false, sync 409; of 20 simultaneous fires one starts", async () => {
  await using door = await openDoor();
  await door.event({ concurrencyPolicy: "Forbid" });
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, i) => accepted(await door.post({ i }))));
  const fired = answers.filter((answer) => answer.fired);
  expect(fired).toHaveLength(1);
  const [run = ""] = fired[0]?.runs ?? [];
  expect(answers.find((answer) => !answer.fired)).toMatchObject({
    runs: [],
    reason: expect.stringContaining("Forbid"),
  });
  expect(await door.outbox()).toHaveLength(1);
  const sync = await door.post({}, { query: "?mode=sync" });
  expect([sync.status, await problem(sync)]).toMatchObject([409, { code: "concurrency-forbidden", runName: run }]);
  await door.js.locks.release("default.greet", run);
  expect((await accepted(await door.post({}))).fired).toBe(true);
});

test("I4, D47: a fire that Forbid withdrew is fired under the same key once nobody holds the claim", async () => {
  await using door = await openDoor();
  await door.event({ concurrencyPolicy: "Forbid" });
  const post = async (key: number) => accepted(await door.post({ key }, { headers: { "idempotency-key": `k${key}` } }));
  const keys = Array.from({ length: 20 }, (_, key) => key);
  const answers = await Promise.all(keys.map(post));
  const [run = ""] = answers.find(({ fired }) => fired)?.runs ?? [];
  await door.js.locks.release("default.greet", run);
  for (const key of keys.filter((one) => answers[one]?.fired === false)) {
    const { fired, runs } = await post(key);
    expect(fired).toBe(true);
    await door.js.locks.release("default.greet", runs[0] ?? "");
  }
  const stored = (await door.outbox()).map(({ key }) => key);
  expect(new Set(stored).size).toBe(keys.length);
});

test("P8: while NATS is away the answer is 503 with Retry-After, and work goes on after it", async () => {
  await using door = await openDoor();
  await door.event();
  await door.nats.stop();
  const away = await door.post({});
  expect(away.status).toBe(503);
  expect(away.headers.get("retry-after")).toBe("5");
  expect((await problem(away))["code"]).toBe("not-ready");
  await door.nats.restart();
  let response = await door.post({});
  while (response.status === 503) response = await door.post({});
  expect(response.status).toBe(202);
});

type Sse = { event: string; id?: string; data: unknown };

function parseSse(text: string): Sse[] {
  return text
    .split("\n\n")
    .filter((block) => block.includes("event: "))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const id = field("id");
      return { event: field("event") ?? "", data: JSON.parse(field("data") ?? "null"), ...(id ? { id } : {}) };
    });
}
