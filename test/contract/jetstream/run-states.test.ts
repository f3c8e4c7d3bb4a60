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

test("a state is written by revision; who comes second is told to reload", async () => {
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
