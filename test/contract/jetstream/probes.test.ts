/** Semantic readiness of a pool: instances with a connection each, one nats-server, a model over real HTTP (D26). */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { createOpenAiModel } from "#platform/openai/model.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import { apiMeters, openMetrics } from "#platform/telemetry/metrics.ts";
import { createProbe, type Probe } from "../../../functions/executor/probe.ts";
import type { Script } from "../../../local/model-server/script.ts";
import { sleep, taskFor, toolbox } from "../../harness/agent-loop.ts";
import { startModel, type TestModel } from "../../harness/model.ts";
import { quiet } from "../../harness/ark.ts";
import { startOtlp } from "../../harness/otlp.ts";
import { connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

/** What the clocks of all pods are put ahead. */
let aheadMs = 0;
const alive = new AbortController().signal;
const SECRET_WORDS = "I feel rather unwell";

let agents = 0;
/** An agent of its own for each test. */
function anAgent(model: TestModel, over: Partial<ResolvedAgent> = {}): ResolvedAgent {
  agents += 1;
  const probe = { validatorPrompt: "Reply with exactly one word: HEALTHY", intervalMs: 3_600_000 };
  const tools = [
    {
      name: "t",
      description: "",
      url: "http://127.0.0.1:1",
      method: "POST",
      inputSchema: {},
      headers: {},
      timeoutMs: 1,
    },
  ] as const;
  return taskFor(model, { agent: { name: `agent-${agents}`, probe, tools, ...over } }).agent;
}

type Pod = AsyncDisposable & { readonly probe: Probe; readonly said: unknown[] };
type PodOptions = { readonly turnMs?: number; readonly requestTimeoutMs?: number; readonly meters?: Meters };

async function startPod(agentOf: () => ResolvedAgent, options: PodOptions = {}): Promise<Pod> {
  const { turnMs, requestTimeoutMs, meters = apiMeters() } = options;
  const store = await connectStore(opened.nats, {
    ...(turnMs !== undefined && { leaseTtlMs: turnMs }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  });
  const said: unknown[] = [];
  const tell = (...words: unknown[]) => void said.push(words);
  const log = { debug: tell, info: tell, warn: tell, error: tell } as unknown as Logger;
  const model = createOpenAiModel();
  const deps: Parameters<typeof createProbe>[0] = {
    ...store,
    runtime: async () => ({
      agent: agentOf(),
      model,
      tools: toolbox({}),
      providerFor: () => ({ kind: "unknown", reason: "" }),
    }),
    heartbeatMs: 15_000,
    now: () => Date.now() + aheadMs,
    random: Math.random,
    sleep,
    meters,
    log,
  };
  return { probe: createProbe(deps, agentOf), said, [Symbol.asyncDispose]: () => store.close() };
}

/** As many pods as asked for; all gone at the end of the block. */
async function startPods(count: number, agent: ResolvedAgent, options?: PodOptions) {
  const stack = new AsyncDisposableStack();
  const pods = await Promise.all(Array.from({ length: count }, () => startPod(() => agent, options)));
  for (const pod of pods) stack.use(pod);
  return { pods, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Each slot of each pod asks before each of its pulls. */
async function readyOf(pods: readonly Pod[], times = 5): Promise<boolean[]> {
  const asked = pods.flatMap(({ probe }) => Array.from({ length: times }, () => probe.ready(alive)));
  return [...new Set(await Promise.all(asked))];
}

function asksOf(model: TestModel): number {
  return model.requests().length;
}

test("D26: of all instances one asks, without tools, and is paid for; the others take its verdict", async () => {
  await using model = await startModel(() => ({ text: "HEALTHY", usage: { inputTokens: 11, outputTokens: 2 } }));
  const agent = anAgent(model);
  await using started = await startPods(4, agent);
  for (let round = 0; round < 3; round += 1) expect(await readyOf(started.pods)).toEqual([true]);
  expect(asksOf(model)).toBe(1);
  expect(model.requests()[0]?.body["tools"]).toBeUndefined();
  const used = await opened.store.usage.last24h({ namespace: agent.namespace, agent: agent.name }, Date.now());
  expect(used).toEqual({ inputTokens: 11, outputTokens: 2 });
});

test("D26, V3: an agent that is not well is so for all, also for a pod that comes when all others have gone; its words are nowhere", async () => {
  await using model = await startModel(() => ({ text: SECRET_WORDS }));
  const agent = anAgent(model);
  const said: unknown[] = [];
  for (let life = 0; life < 3; life += 1) {
    await using started = await startPods(2, agent);
    expect(await readyOf(started.pods)).toEqual([false]);
    said.push(...started.pods.flatMap((pod) => pod.said));
  }
  expect(asksOf(model)).toBe(1);
  const pool = { namespace: agent.namespace, agent: agent.name };
  expect(await opened.store.probes.last(pool)).toMatchObject({ healthy: false });
  expect(await opened.store.probes.last({ ...pool, agent: "unasked" })).toBeUndefined();
  expect(JSON.stringify(said)).toContain("unhealthy");
  expect(JSON.stringify(said)).not.toContain(SECRET_WORDS);
});

test("D26: a question without an answer is kept beside what the agent said last, until it says something", async () => {
  const agent = { namespace: "ai", agent: "unsure", uid: "u" };
  const tell = async (question: string, verdict: "healthy" | "unknown") => {
    const looked = await opened.store.probes.look(agent, question);
    if (looked.kind !== "ours") throw new Error(looked.kind);
    await looked.turn.tell(verdict, 60_000);
    return opened.store.probes.last(agent);
  };
  const never = await tell("first", "unknown");
  expect(never).toEqual({ failedAt: expect.any(Number) });
  const well = await tell("second", "healthy");
  expect(well).toEqual({ healthy: true, at: expect.any(Number) });
  expect(await tell("third", "unknown")).toEqual({ ...well, failedAt: expect.any(Number) });
});

test("D26: two questions are an interval apart, however many instances look, and a verdict that changes counts for all", async () => {
  const intervalMs = 1_000;
  const times: number[] = [];
  const script: Script = (_request, index) => {
    times.push(performance.now());
    return { text: index === 0 ? "HEALTHY" : SECRET_WORDS };
  };
  await using model = await startModel(script);
  const agent = anAgent(model, { probe: { validatorPrompt: "Say HEALTHY", intervalMs } });
  await using started = await startPods(3, agent);
  const looked = () => readyOf(started.pods).then(() => times.length);
  await expect.poll(looked, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(4);
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(intervalMs);
  await expect.poll(() => readyOf(started.pods), { timeout: 20_000 }).toEqual([false]);
});

test("D26, V2: an instance that dies while it asks is replaced once its turn ends; what it says late changes nothing", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await using model = await startModel((_request, index) =>
    index === 0 ? { text: SECRET_WORDS, until: held } : { text: "HEALTHY" },
  );
  const agent = anAgent(model);
  await using dying = await startPod(() => agent, { turnMs: 1_000 });
  const late = dying.probe.ready(alive);
  await expect.poll(() => asksOf(model), { timeout: 20_000 }).toBe(1);
  await using started = await startPods(3, agent);
  expect(await readyOf(started.pods)).toEqual([true]);
  expect(asksOf(model)).toBe(2);
  release();
  await late;
  await using fresh = await startPod(() => agent);
  expect(await readyOf([fresh, ...started.pods])).toEqual([true]);
  expect(asksOf(model)).toBe(2);
});

test("D26, D7: an instance that is stopped while it asks gives its turn back: the next one asks at once", async () => {
  const never = new Promise<void>(() => {});
  await using model = await startModel((_request, index) =>
    index === 0 ? { text: "HEALTHY", until: never } : { text: "HEALTHY" },
  );
  const agent = anAgent(model);
  await using stopping = await startPod(() => agent);
  const stop = new AbortController();
  const asking = stopping.probe.ready(stop.signal);
  await expect.poll(() => asksOf(model), { timeout: 20_000 }).toBe(1);
  stop.abort();
  await asking;
  await using next = await startPod(() => agent);
  expect(await next.probe.ready(alive)).toBe(true);
  expect(asksOf(model)).toBe(2);
});

test("D26: another model, prompt or probe is another question; the verdict on the first stands for who still asks it", async () => {
  await using model = await startModel(({ messages }) => ({
    text: JSON.stringify(messages).includes("poorly") ? SECRET_WORDS : "HEALTHY",
  }));
  const first = anAgent(model);
  let current = first;
  await using changing = await startPod(() => current);
  await using staying = await startPod(() => first);
  expect(await readyOf([changing, staying])).toEqual([true]);
  current = { ...first, systemPrompt: "You are poorly." };
  expect(await changing.probe.ready(alive)).toBe(false);
  expect(await staying.probe.ready(alive)).toBe(true);
  expect(asksOf(model)).toBe(2);
  current = first;
  expect(await readyOf([changing, staying])).toEqual([true]);
  expect(asksOf(model)).toBe(2);
  current = { ...first, model: "mock-2" };
  expect(await changing.probe.ready(alive)).toBe(true);
  expect(asksOf(model)).toBe(3);
});

test("V4: an agent that is made anew under the same name is asked anew, with nothing of the earlier one", async () => {
  await using model = await startModel([{ text: SECRET_WORDS }, { text: "HEALTHY" }]);
  const first = anAgent(model, { uid: "uid-first" });
  const later = { ...first, uid: "uid-later" };
  await using old = await startPod(() => first);
  expect(await readyOf([old])).toEqual([false]);
  const lastOf = ({ namespace, name, uid }: ResolvedAgent) => opened.store.probes.last({ namespace, agent: name, uid });
  expect(await lastOf(later)).toBeUndefined();
  await using made = await startPod(() => later);
  expect(await readyOf([made])).toEqual([true]);
  expect(asksOf(model)).toBe(2);
  expect(await lastOf(later)).toMatchObject({ healthy: true });
  expect(await lastOf(first)).toMatchObject({ healthy: false });
});

test("D26, Y2: a model that cannot be reached makes nobody unready, and is not asked again and again", async () => {
  await using model = await startModel(() => ({ status: 503 }));
  const agent = anAgent(model);
  await using started = await startPods(3, agent);
  for (let round = 0; round < 3; round += 1) expect(await readyOf(started.pods)).toEqual([true]);
  expect(asksOf(model)).toBe(1);
});

test("D26, P8: NATS away makes nobody unready, nobody ready, and nobody asks", async () => {
  await using model = await startModel(({ messages }) => ({
    text: JSON.stringify(messages).includes("poorly") ? SECRET_WORDS : "HEALTHY",
  }));
  const well = anAgent(model);
  const poorly = anAgent(model, { systemPrompt: "You are poorly." });
  const unasked = anAgent(model);
  const options = { requestTimeoutMs: 500 };
  await using wellPod = await startPod(() => well, options);
  await using poorlyPod = await startPod(() => poorly, options);
  await using freshPod = await startPod(() => unasked, options);
  expect(await readyOf([wellPod])).toEqual([true]);
  expect(await readyOf([poorlyPod])).toEqual([false]);
  await opened.nats.stop();
  for (let round = 0; round < 3; round += 1) {
    // Past the time that a verdict is gone by without a look.
    aheadMs += 60_000;
    expect(await readyOf([wellPod, freshPod])).toEqual([true]);
    expect(await readyOf([poorlyPod])).toEqual([false]);
  }
  expect(asksOf(model)).toBe(2);
  await opened.nats.restart();
  const looked = () => {
    aheadMs += 60_000;
    return readyOf([wellPod, freshPod]).then(() => asksOf(model));
  };
  await expect.poll(looked, { timeout: 60_000 }).toBe(3);
  expect(await readyOf([poorlyPod])).toEqual([false]);
  expect(asksOf(model)).toBe(3);
});

test("D19, D26: the question is measured as every call is; one that the budget forbids is counted as that", async () => {
  await using otlp = await startOtlp();
  await using model = await startModel([{ text: "HEALTHY", usage: { inputTokens: 9, outputTokens: 1 } }]);
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    const [paid, poor] = [anAgent(model), anAgent(model)];
    const broke = { ...poor, limits: { ...poor.limits, maxDailyTokens: 1 } };
    for (const agent of [paid, broke]) {
      await using pod = await startPod(() => agent, { meters: metrics.meters });
      expect(await pod.probe.ready(alive)).toBe(true);
    }
  }
  const seen = otlp.points().map(({ name, unit, count, value }) => `${name} ${unit === "s" ? count : value}`);
  expect(seen).toEqual([
    "ark.budget.denied 1",
    "gen_ai.client.operation.duration 1",
    "gen_ai.client.token.usage 9",
    "gen_ai.client.token.usage 1",
  ]);
});
