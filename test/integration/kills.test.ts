/**
 * Processes die at every kind of moment, by a seeded schedule, and nats-server with them: nothing that was accepted is
 * lost, nothing that was recorded is paid for again, every run ends (P1–P4, P8; D2, D4, D5, D6, E1, E2).
 *
 * `ARK_KILLS` sets how many kills, `ARK_SEED` which schedule.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { RecordedTurn } from "#core/agent/ports.ts";
import { attemptId, type AttemptKey, type StepTurn } from "#core/events/facts.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { watchMoments, type Moments } from "../harness/moments.ts";
import { startNotebook } from "../harness/notebook.ts";
import type { TestProcess } from "../harness/process.ts";
import { declareWebhook } from "../harness/webhook-event.ts";
import { AGENT, NAMESPACE, startWorld, type FunctionName, type World } from "../harness/world.ts";

const KILLS = Number(process.env["ARK_KILLS"] ?? "200");
const SEED = Number(process.env["ARK_SEED"] ?? "1");
const CALLERS = 16;
const EVENT = "feed";
const TEAM = "desk";
const TOKEN = "a-token-of-the-test";
const FUNCTIONS = ["webhook", "dispatcher", "collector", "executor"] as const;

/** What each process is in the middle of, and just before or after. */
const MOMENTS: Readonly<Record<FunctionName, readonly string[]>> = {
  webhook: ["fire sent", "fire claimed", "event stored", "event acknowledged"],
  dispatcher: ["event stored", "object written", "fact requested"],
  collector: [
    "fact requested",
    "task stored",
    "state put",
    "fact started",
    "fact turn",
    "fact finished",
    "event stored",
    "object written",
    "fact acknowledged",
  ],
  executor: [
    "task stored",
    "lease",
    "fact started",
    "model asked",
    "model answered",
    "fact turn",
    "fact finished",
    "task acknowledged",
  ],
};

/** What tells that a process is at work. */
const PROGRESS: Readonly<Record<FunctionName, string>> = {
  webhook: "event stored",
  dispatcher: "fact requested",
  collector: "state put",
  executor: "fact finished",
};

test(
  `P1–P4, P8: ${KILLS} kills lose nothing, and repeat nothing that is on the record`,
  { timeout: 600_000 },
  async () => {
    const random = seeded(SEED);
    const repeated: string[] = [];
    const stop = new AbortController();
    const eyes: { world?: World; moments?: Moments } = {};
    await using notebook = await startNotebook();
    await using world = await startWorld({
      functions: FUNCTIONS,
      bundled: true,
      leaseSeconds: 2,
      maxConcurrentTasks: 3,
      env: { ARK_RATE_PER_EVENT: "10000", ARK_LOG_LEVEL: "info" },
      tools: [{ name: "note", url: notebook.url }],
      // Each task: a call that asks for the tool, the tool, a call that answers.
      script: async ({ messages }, index) => {
        eyes.moments?.announce("model asked");
        const askedAt = Date.now();
        const key = eyes.world?.model.requests()[index]?.key ?? "";
        if (eyes.world !== undefined && (await wasRecorded(key, askedAt, eyes.world))) repeated.push(key);
        setImmediate(() => eyes.moments?.announce("model answered"));
        if (messages.at(-1)?.role === "user") return { toolCalls: [{ name: "note", arguments: { text: key } }] };
        return { text: `answer to ${key}` };
      },
    });
    eyes.world = world;
    await declare(world);
    const moments = watchMoments(await world.nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 100 }));
    eyes.moments = moments;

    const accepted = new Map<string, readonly string[]>();
    const callers = Array.from({ length: CALLERS }, (_, caller) => call(caller, world, moments, accepted, stop.signal));
    const killed = new Map<string, number>();
    const killers = FUNCTIONS.map((name) => killAgain(name, KILLS / FUNCTIONS.length, world, moments, killed, random));
    await Promise.all([...killers, restartServer(world, killed)]);
    stop.abort();
    await Promise.all(callers);

    const names = [...accepted.values()].flat();
    const states = await Promise.all(names.map((run) => world.ended(run, AbortSignal.timeout(240_000))));
    console.log(
      `${sum(killed)} kills, ${names.length} runs, ${world.model.requests().length} calls`,
      Object.fromEntries(killed),
    );

    expect(sum(killed)).toBeGreaterThanOrEqual(KILLS);
    expect(names.length).toBeGreaterThan(CALLERS);
    expect(new Set(names).size).toBe(names.length);
    await expectExactly(names, world);
    await expectStatuses(states, world);
    expect(repeated).toEqual([]);
    await expectPaidOnce(states, world);
    expectToolsKnown(notebook.keys(), world);
    await expectOneEnd(states, world);
  },
);

/** One team of two steps, one agent, one event that starts both. */
async function declare({ js }: World): Promise<void> {
  const metadata = (name: string) => ({ name, namespace: NAMESPACE });
  await js.objects.create("ArkAgent", {
    apiVersion: API_VERSION,
    kind: "ArkAgent",
    metadata: metadata(AGENT),
    spec: { replicas: 1, networkPolicy: "default", model: "mock", systemPrompt: "You write." },
  });
  await js.objects.create("ArkTeam", {
    apiVersion: API_VERSION,
    kind: "ArkTeam",
    metadata: metadata(TEAM),
    spec: {
      roles: [{ name: "poet", arkAgent: AGENT }],
      pipeline: [
        { role: "poet", name: "draft", inputs: { prompt: "Draft about {{ .input.topic }}" } },
        { role: "poet", name: "final", dependsOn: ["draft"], inputs: { prompt: "Better: {{ .steps.draft.output }}" } },
      ],
      input: { topic: "rain" },
      successfulRunsHistoryLimit: 10,
      failedRunsHistoryLimit: 3,
    },
  });
  const targets = [{ team: TEAM }, { agent: AGENT, prompt: "Note {{ .trigger.body.topic }}" }];
  await declareWebhook(js, { namespace: NAMESPACE, name: EVENT, token: TOKEN, targets });
}

/** Fires, asks again with the same key until it is told 2xx, waits for its runs, fires again. */
async function call(
  caller: number,
  world: World,
  moments: Moments,
  accepted: Map<string, readonly string[]>,
  stop: AbortSignal,
): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    const key = `${caller}-${n}`;
    const runs = await fire(key, world, moments);
    accepted.set(key, runs);
    const patience = AbortSignal.any([stop, AbortSignal.timeout(60_000)]);
    await Promise.all(runs.map((run) => world.ended(run, patience).catch(() => undefined)));
  }
}

async function fire(key: string, { processes }: World, moments: Moments): Promise<readonly string[]> {
  for (;;) {
    try {
      const response = fetch(`${processes.webhook.url}/triggers/${NAMESPACE}/${EVENT}`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "idempotency-key": key, "content-type": "application/json" },
        body: JSON.stringify({ topic: key }),
        signal: AbortSignal.timeout(10_000),
      });
      moments.announce("fire sent");
      const { status } = await response;
      if (status === 202) return ((await (await response).json()) as { runs: readonly string[] }).runs;
      await (await response).body?.cancel();
    } catch {
      // Nobody there, or cut: the same key asks again.
    }
    await delay(50);
  }
}

async function killAgain(
  name: FunctionName,
  times: number,
  world: World,
  moments: Moments,
  killed: Map<string, number>,
  random: () => number,
): Promise<void> {
  const kinds = MOMENTS[name];
  for (let n = 0; n < times; n += 1) {
    const kind = kinds[n < kinds.length ? n : Math.floor(random() * kinds.length)] ?? "";
    const pause = Math.floor(random() * 8);
    // Something gets done in each life, else a task dies five times and is dead-lettered, as it should be.
    await moments.next(PROGRESS[name], AbortSignal.timeout(400));
    // A moment that does not come while another process is down is not waited for.
    await moments.next(kind, AbortSignal.timeout(400));
    if (pause > 0) await delay(pause);
    await world.processes[name].kill();
    killed.set(`${name}: ${kind}`, (killed.get(`${name}: ${kind}`) ?? 0) + 1);
    await revive(world.processes[name]);
  }
}

/** As a kubelet does: a process that finds no nats-server ends, and is started again. */
async function revive(process: TestProcess): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await process.start();
    } catch (error) {
      if (tries === 20) throw error;
      await delay(50);
    }
  }
}

/** The server itself dies three times while all this goes on. */
async function restartServer(world: World, killed: Map<string, number>): Promise<void> {
  for (const share of [0.25, 0.5, 0.75]) {
    while (sum(killed) < KILLS * share) await delay(20);
    await world.nats.restart({ hard: true });
  }
}

/**
 * Whether the answer to this very call, `<uid>/<step>/<iteration>/<attempt>/<turn>`, was on the record when it came.
 * The look may be late while nats-server is away, and the asker be dead by then: the time of the turn decides.
 */
async function wasRecorded(callId: string, askedAt: number, { js }: World): Promise<boolean> {
  const [uid = "", step = "", iteration = "0", attempt = "0", turn = "0"] = callId.split("/");
  const key: AttemptKey = { step, iteration: Number(iteration), attempt: Number(attempt) };
  const run = await insisting(() => runOf(uid, js));
  const turns = await insisting(() => js.factLog.turns({ namespace: NAMESPACE, run }, key));
  return turns.some(({ uid: of, fact }) => {
    return of === uid && fact.kind === "step.turn" && fact.turn === Number(turn) && fact.at < askedAt;
  });
}

const runsByUid = new Map<string, string>();

async function runOf(uid: string, js: World["js"]): Promise<string> {
  if (!runsByUid.has(uid)) {
    for (const { metadata } of await js.objects.list("ArkRun", { namespace: NAMESPACE })) {
      runsByUid.set(metadata.uid ?? "", metadata.name ?? "");
    }
  }
  const run = runsByUid.get(uid);
  if (run === undefined) throw new Error(`a call for a run that does not exist: ${uid}`);
  return run;
}

/** The test's own eyes go blind while nats-server is away. */
async function insisting<T>(look: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "StoreUnavailable") throw error;
      await delay(50);
    }
  }
}

/** P1: the runs that callers were told, and no other. */
async function expectExactly(names: readonly string[], { js }: World): Promise<void> {
  const there = await js.objects.list("ArkRun", { namespace: NAMESPACE });
  expect(there.map(({ metadata }) => metadata.name ?? "").toSorted()).toEqual(names.toSorted());
}

/** P4: every run has ended, and its object says how. */
async function expectStatuses(states: readonly RunState[], world: World): Promise<void> {
  const left = new Map(states.map((state) => [state.run, state.phase.kind === "succeeded" ? "Succeeded" : "Failed"]));
  const signal = AbortSignal.timeout(120_000);
  for await (const { object } of world.js.objects.watch("ArkRun", { namespace: NAMESPACE, signal })) {
    const { metadata, status } = object;
    if (left.get(metadata.name ?? "") === status?.phase) left.delete(metadata.name ?? "");
    if (left.size === 0) break;
  }
  expect([...left.keys()]).toEqual([]);
  // A task that five executors died of is dead-lettered, and says so; every other run succeeded, and most did.
  const failed = states.filter(({ phase }) => phase.kind === "failed");
  expect(
    failed.map(({ phase }) => phase).filter((phase) => !JSON.stringify(phase).includes("given this task five times")),
  ).toEqual([]);
  expect(failed.length).toBeLessThanOrEqual(states.length / 2);
}

/** P2, P3: one recorded turn per attempt and turn; the sum of a run is the sum of its turns. */
async function expectPaidOnce(states: readonly RunState[], { js, model }: World): Promise<void> {
  const calls = new Map<string, number>();
  for (const { key = "" } of model.requests()) calls.set(key, (calls.get(key) ?? 0) + 1);
  let turns = 0;
  for (const state of states) {
    const seen = new Set<string>();
    let tokens = 0;
    for await (const { fact } of js.factLog.history(state)) {
      if (fact.kind !== "step.turn" || isToolTurn(fact)) continue;
      const id = `${attemptId(state.uid, fact)}/${fact.turn}`;
      expect(seen.has(id)).toBe(false);
      seen.add(id);
      expect(calls.has(id)).toBe(true);
      turns += 1;
      tokens += fact.usage.inputTokens + fact.usage.outputTokens;
    }
    const total = Object.values(state.steps).reduce(
      (all, { usage }) => all + usage.inputTokens + usage.outputTokens,
      0,
    );
    if (state.phase.kind === "succeeded") expect(total).toBe(tokens);
  }
  // Every call beyond the recorded ones is one whose asker was killed before its answer was on the record.
  expect(model.requests().length - turns).toBeLessThanOrEqual(KILLS + 3 * 4);
}

function isToolTurn({ record }: StepTurn): boolean {
  return "inline" in record && (JSON.parse(record.inline) as RecordedTurn).kind === "tools";
}

/** A tool that was called again was called under the same key: the task, the turn that asked, the call. */
function expectToolsKnown(keys: readonly string[], { model }: World): void {
  const asked = new Set(model.requests().map(({ key }) => key));
  expect(keys.filter((key) => !asked.has(key.split("/").slice(0, 4).join("/") + "/0"))).toEqual([]);
}

/** The Broker hears of every end; told again it is the same event, which any subscriber can tell. */
async function expectOneEnd(states: readonly RunState[], { broker }: World): Promise<void> {
  const heard = (): Map<string, Set<string>> => {
    const ends = new Map<string, Set<string>>();
    for (const headers of broker.received()) {
      const run = headers["ce-arkrun"] ?? "";
      const { "ce-type": type = "", "ce-id": id = "" } = headers;
      if (type.endsWith(".succeeded") || type.endsWith(".failed")) ends.set(run, (ends.get(run) ?? new Set()).add(id));
    }
    return ends;
  };
  const signal = AbortSignal.timeout(120_000);
  while (heard().size < states.length && !signal.aborted) await delay(50);
  const ends = heard();
  expect(states.filter(({ run }) => ends.get(run)?.size !== 1).map(({ run }) => run)).toEqual([]);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, one) => all + one, 0);
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
