/**
 * States of runs that this process folded last, with their revisions, so that a fact costs no read.
 *
 * M1  An entry is a guess: the revision of the next write decides, and a conflict drops it (E2).
 * M2  The cache is bounded by the bytes of what it holds, not by how many runs there are.
 */
import type { RunState } from "#core/pipeline/state.ts";
import type { Text } from "#core/events/text.ts";
import type { Graph } from "#core/pipeline/graph.ts";

export type FoldedRun = {
  readonly graph: Graph;
  readonly state: RunState;
  /** 0 while nothing is stored. */
  readonly revision: number;
  /** The end has been told to everyone: status, locks. */
  readonly settled: boolean;
};

export type RunCache = {
  get(key: string): FoldedRun | undefined;
  set(key: string, run: FoldedRun): void;
  delete(key: string): void;
};

/** Least recently used first out, above `maxBytes`. */
export function createRunCache(maxBytes: number): RunCache {
  const entries = new Map<string, { run: FoldedRun; bytes: number }>();
  let held = 0;

  const drop = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.run;
    },
    set(key, run) {
      drop(key);
      const bytes = weigh(run.state);
      entries.set(key, { run, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= maxBytes || oldest === key) break;
        drop(oldest);
      }
    },
    delete: drop,
  };
}

const BYTES_PER_RUN = 8_192;
const BYTES_PER_STEP = 1_024;

/** A cheap guess: inline texts are what grows. */
function weigh(state: RunState): number {
  let bytes = BYTES_PER_RUN + (state.spec.prompt?.length ?? 0);
  for (const value of Object.values(state.spec.input ?? {})) bytes += value.length;
  for (const step of Object.values(state.steps)) {
    bytes += BYTES_PER_STEP + lengthOf(step.result?.output) + lengthOf(step.result?.json);
    bytes += lengthOf(step.result?.context);
  }
  return bytes;
}

function lengthOf(text: Text | undefined): number {
  if (text === undefined) return 0;
  return "inline" in text ? text.inline.length : text.ref.preview.length;
}
