import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunState } from "#core/pipeline/state.ts";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { aRun, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

function aState(over: Partial<RunState> = {}): RunState {
  return {
    version: 1,
    ...aRun(),
    spec: { teamRef: "team", pipeline: [], input: {} } as unknown as RunState["spec"],
    depth: 0,
    hop: 0,
    startedAt: 1,
    phase: { kind: "running" },
    steps: {},
    issued: {},
    ...over,
  };
}

test("D6, E2: a state is written by revision; who comes second is told to reload", async () => {
  const { runStates } = opened.store;
  const state = aState();
  expect(await runStates.get(state)).toBeUndefined();
  const stored = await runStates.put(state, 0);
  if (stored.kind !== "stored") throw new Error("not stored");
  expect(await runStates.put(state, 0)).toEqual({ kind: "conflict" });
  expect(await runStates.get(state)).toEqual({ state, revision: stored.revision });
  const next = await runStates.put({ ...state, hop: 1 }, stored.revision);
  expect(next.kind).toBe("stored");
  expect(await runStates.put({ ...state, hop: 2 }, stored.revision)).toEqual({ kind: "conflict" });
  expect((await runStates.get(state))?.state.hop).toBe(1);
});

test("a deleted state is absent, and can be made again", async () => {
  const { runStates } = opened.store;
  const state = aState();
  await runStates.put(state, 0);
  await runStates.delete(state);
  expect(await runStates.get(state)).toBeUndefined();
  expect((await runStates.put(state, 0)).kind).toBe("stored");
});

test("watch: the current state first, then the next ones; nothing of other runs; nothing left behind", async () => {
  const { runStates } = opened.store;
  const state = aState();
  const baseline = await natsBaseline(opened.nats);
  const stored = await runStates.put(state, 0);
  await runStates.put(aState(), 0);
  const abort = new AbortController();
  const seen: number[] = [];
  for await (const { hop, run } of runStates.watch(state, abort.signal)) {
    expect(run).toBe(state.run);
    seen.push(hop);
    if (seen.length === 1 && stored.kind === "stored") {
      await runStates.put(aState(), 0);
      await runStates.put({ ...state, hop: 1 }, stored.revision);
    }
    if (seen.length === 2) abort.abort();
  }
  expect(seen).toEqual([0, 1]);
  await expectNoLeaks(opened.nats, baseline);
});

test("watch of a run that has no state yet gives its first one", async () => {
  const { runStates } = opened.store;
  const state = aState();
  const watching = runStates.watch(state, AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
  const first = watching.next();
  await runStates.put(state, 0);
  expect((await first).value).toEqual(state);
  await watching.return?.();
});

test("S1: a state of many long texts is stored, by references that the store resolves", async () => {
  const { runStates, outputs } = opened.store;
  const text = (n: number) => `${n} `.repeat(10_000);
  const steps = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [
      `s${n}`,
      {
        phase: "succeeded",
        attempts: 1,
        endedAt: 2,
        iterations: 1,
        validationAttempts: 0,
        usage: { inputTokens: 1, outputTokens: 1 },
        result: { output: { inline: text(n) }, json: { inline: "{}" } },
      } satisfies RunState["steps"][string],
    ]),
  );
  const state = aState({ steps, phase: { kind: "succeeded", endedAt: 3, output: { inline: text(7) } } });
  expect(JSON.stringify(state).length).toBeGreaterThan(2 * 1024 * 1024);
  const stored = await runStates.put(state, 0);
  if (stored.kind !== "stored") throw new Error("not stored");
  expect((await runStates.put({ ...state, hop: 1 }, stored.revision)).kind).toBe("stored");
  const read = (await runStates.get(state))?.state;
  expect(read?.hop).toBe(1);
  expect(read?.steps["s42"]?.result?.json).toEqual({ inline: "{}" });
  const output = read?.steps["s42"]?.result?.output;
  expect(output).toMatchObject({ ref: { bytes: text(42).length } });
  if (output === undefined || read?.phase.kind !== "succeeded") throw new Error("not there");
  expect(await outputs.load(state, output)).toBe(text(42));
  expect(await outputs.load(state, read.phase.output)).toBe(text(7));
  expect((await runStates.put({ ...read, hop: 2 }, (await runStates.get(state))?.revision ?? 0)).kind).toBe("stored");
});
