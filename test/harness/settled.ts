/**
 * What must hold once all is quiet again, whatever broke on the way: every accepted event has exactly its runs (P1),
 * every run has ended (P4), no call was made again whose answer was on the record (P3), and memory is back.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { attemptId } from "#core/events/facts.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { Answer, ChatRequest } from "../../local/model-server/script.ts";
import { type Ark, startArk } from "./ark.ts";

export type Watched = Ark & {
  /** Fires until the event is accepted, always under the same key; the names of its runs. */
  accept(event: string, body: unknown, key: string): Promise<readonly string[]>;
  /** The accepted runs, once all have ended and the promises above have been found kept. */
  settled(): Promise<readonly ArkRun[]>;
};

const AGAIN_MS = 50;

/** Local mode with a model whose every request is timed. */
export async function startWatched(
  files: string,
  script: (request: ChatRequest, index: number) => Answer | undefined | Promise<Answer | undefined>,
): Promise<Watched> {
  const askedAt: number[] = [];
  const accepted = new Set<string>();
  const ark = await startArk(files, (request, index) => {
    askedAt[index] = Date.now();
    return script(request, index);
  });
  return Object.assign(Object.create(ark) as Ark, {
    accept: async (event: string, body: unknown, key: string) => {
      const runs = await insisting(ark, event, body, key);
      for (const run of runs) accepted.add(run);
      return runs;
    },
    settled: async () => {
      const runs = await seeing(() => ark.ended(accepted.size));
      expect(runs.map(({ metadata }) => metadata.name ?? "").toSorted()).toEqual([...accepted].toSorted());
      expect(await seeing(() => askedAgain(ark, runs, askedAt))).toEqual([]);
      return runs;
    },
    [Symbol.asyncDispose]: () => ark[Symbol.asyncDispose](),
  });
}

/** The test's own eyes are blind while nats-server is away. */
async function seeing<T>(look: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

async function insisting(ark: Ark, event: string, body: unknown, key: string): Promise<readonly string[]> {
  for (const end = Date.now() + 40_000; Date.now() < end;) {
    const fired = await ark.fire(event, body, { key }).catch(() => undefined);
    if (fired?.status === 202) return fired.body["runs"] as string[];
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  throw new Error(`${event} was not accepted`);
}

/** Ids of calls that came when their answer was recorded already. */
async function askedAgain({ local, model }: Ark, runs: readonly ArkRun[], askedAt: readonly number[]) {
  const recordedAt = new Map<string, number>();
  for (const { metadata } of runs) {
    const { namespace = "default", name = "", uid = "" } = metadata;
    for await (const { fact } of local.js.factLog.history({ namespace, run: name })) {
      if (fact.kind !== "step.turn") continue;
      const turn = JSON.parse(await local.js.outputs.load({ namespace }, fact.record)) as RecordedTurn;
      const id = `${attemptId(uid, fact)}/${fact.turn}`;
      expect(recordedAt.has(id)).toBe(false);
      if (turn.kind === "model") recordedAt.set(id, fact.at);
    }
  }
  return model.requests().flatMap(({ key = "", index }) => {
    const at = recordedAt.get(key);
    return at !== undefined && (askedAt[index] ?? 0) > at ? [key] : [];
  });
}

/** Bytes that are reachable now: heap, and buffers outside of it. */
export async function reachableBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  // Finalizers run between collections: what they let go, the next one takes.
  for (let round = 0; round < 5; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
