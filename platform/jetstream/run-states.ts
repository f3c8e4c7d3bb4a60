/** Folded run states in `ark-runs`, written by revision: of two collectors that fold one run, one is told to reload. */
import { BUCKETS } from "#core/events/subjects.ts";
import type { Home, RunName, RunStates } from "#core/ports/record.ts";
import type { Text } from "#core/events/text.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { bucket, type Bucket } from "./bucket.ts";
import type { Link } from "./link.ts";
import { slimmer } from "./slim-state.ts";

export function runStates(link: Link, keep: (of: Home, text: string) => Promise<Text>): RunStates {
  const store = bucket<RunState>(link, BUCKETS.runs);
  const slim = slimmer(keep);
  return {
    get: async (run) => {
      const entry = await store.get(keyOf(run));
      return entry === undefined ? undefined : { state: entry.value, revision: entry.revision };
    },
    put: async (state, revision) => {
      const key = keyOf(state);
      const kept = await slim(state);
      const stored = revision === 0 ? await store.create(key, kept) : await store.update(key, kept, revision);
      return stored === undefined ? { kind: "conflict" } : { kind: "stored", revision: stored };
    },
    delete: async (run) => {
      await store.remove(keyOf(run));
    },
    watch: (run, signal) => watch(store, run, signal),
  };
}

async function* watch(store: Bucket<RunState>, run: RunName, signal: AbortSignal): AsyncGenerator<RunState> {
  for await (const change of store.watch(keyOf(run), signal)) {
    if (change.entry !== undefined) yield change.entry.value;
  }
}

function keyOf(run: RunName): string {
  return `${run.namespace}.${run.run}`;
}
