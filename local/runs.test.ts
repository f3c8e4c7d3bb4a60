import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Objects, WatchEvent } from "#core/ports/objects.ts";
import { type FactLog, type RunStates, StoreUnavailable } from "#core/ports/record.ts";
import { CANCEL, Runs, type RunsDeps } from "./runs.ts";

function aRun(name: string, more: Partial<ArkRun["metadata"]> = {}): ArkRun {
  const metadata = { name, namespace: "default", uid: `uid-${name}`, ...more };
  return { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkRun", metadata, spec: { teamRef: "blog" } };
}

/** Over a store that holds `present`. */
function runsOf(present: readonly ArkRun[], more: Partial<RunsDeps>): Runs {
  async function* watch(): AsyncGenerator<WatchEvent<"ArkRun">> {
    for (const object of present) yield { type: "added", object };
  }
  async function* none(): AsyncGenerator<never> {}
  const objects = { watch, list: () => Promise.resolve(present) } as unknown as Objects;
  const states = { watch: none, delete: () => Promise.resolve() } as unknown as RunStates;
  const log = { warn: () => {}, error: () => {} } as unknown as RunsDeps["log"];
  const start = () => Promise.resolve("started" as const);
  const rest = { facts: {} as FactLog, start, onChange: () => {}, now: () => 0, sleep: () => setImmediate(), log };
  return new Runs({ objects, states, ...rest, ...more });
}

/** Fails the first time it is called. */
function awayOnce(done: (what: string) => void): (what: string) => Promise<void> {
  let isAway = true;
  return async (what) => {
    if (isAway) {
      isAway = false;
      throw new StoreUnavailable("away");
    }
    done(what);
  };
}

const { signal } = new AbortController();

test("W3: a run that could not be started is started when the watch begins anew", async () => {
  const started: string[] = [];
  const once = awayOnce((name) => started.push(name));
  const runs = runsOf([aRun("one"), aRun("two")], {
    start: async ({ metadata }) => {
      await once(metadata.name ?? "");
      return "started";
    },
  });
  await expect(runs.run(signal)).rejects.toThrow("away");
  await runs.run(signal);
  await runs.run(signal);
  expect(started).toEqual(["one", "two"]);
});

test("W3: a run that cannot be started for what it is holds up no other", async () => {
  const started: string[] = [];
  const runs = runsOf([aRun("broken"), aRun("two")], {
    start: async ({ metadata: { name = "" } }) => {
      if (name === "broken") throw new SyntaxError("its parent is no JSON");
      started.push(name);
      return "started";
    },
  });
  await runs.run(signal);
  expect(started).toEqual(["two"]);
});

test("W4, W3: a run waits a while for its team, and a store that is away meanwhile takes no try", async () => {
  const tries: boolean[] = [];
  let calls = 0;
  const runs = runsOf([aRun("one")], {
    start: async (_run, isLastTry) => {
      calls += 1;
      if (calls === 3) throw new StoreUnavailable("away");
      tries.push(isLastTry);
      return isLastTry ? "started" : "again";
    },
  });
  await runs.run(signal);
  await expect.poll(() => tries).toEqual([false, false, false, false, true]);
  expect(calls).toBe(6);
});

test("W4: a run that is deleted waits for nothing", async () => {
  const present = [aRun("one")];
  const next: (() => void)[] = [];
  let calls = 0;
  const runs = runsOf(present, {
    facts: { publish: () => Promise.resolve(), purge: () => Promise.resolve() } as unknown as FactLog,
    start: async () => {
      calls += 1;
      return "again";
    },
    sleep: () => new Promise((resolve) => next.push(resolve)),
  });
  await runs.run(signal);
  present.pop();
  await runs.run(signal);
  for (const go of next) go();
  await setImmediate();
  expect(calls).toBe(1);
});

test("W3: a cancel that could not be told is told when the watch begins anew", async () => {
  const told: string[] = [];
  const once = awayOnce((what) => told.push(what));
  const facts = { publish: ({ run }: { run: string }) => once(run) } as unknown as FactLog;
  const runs = runsOf([aRun("one", { annotations: { [CANCEL]: "true" } })], { facts });
  await expect(runs.run(signal)).rejects.toThrow("away");
  await runs.run(signal);
  await runs.run(signal);
  expect(told).toEqual(["one"]);
});

test("W3: a run that was deleted while nobody watched is gone with its record", async () => {
  const present = [aRun("one"), aRun("two", { annotations: {} })];
  const told: string[] = [];
  const facts = {
    publish: () => Promise.resolve(),
    purge: ({ run }: { run: string }) => Promise.resolve(void told.push(run)),
  } as unknown as FactLog;
  const runs = runsOf(present, { facts });
  await runs.run(signal);
  expect(runs.of("default/blog").active).toBe(true);
  present.splice(0, 1);
  await runs.run(signal);
  expect([...runs.glances()]).toHaveLength(1);
  await expect.poll(() => told).toEqual(["one"]);
});
