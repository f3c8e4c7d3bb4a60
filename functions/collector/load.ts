/** Brings a run into memory: from the cache, from its stored state, or, where that is lost, from the record itself. */
import type { RunRequested } from "#core/events/facts.ts";
import { evolve } from "#core/pipeline/evolve.ts";
import type { Graph } from "#core/pipeline/graph.ts";
import { start, startRefused } from "#core/pipeline/start.ts";
import type { Home, StoredFact } from "#core/ports/record.ts";
import { loadOutputs } from "./commands.ts";
import type { CollectorDeps } from "./deps.ts";
import type { FoldedRun } from "./run-cache.ts";

/** Undefined: nothing is known of this run, not even its request. */
export async function loadRun(stored: StoredFact, deps: CollectorDeps): Promise<FoldedRun | undefined> {
  const cached = deps.cache.get(keyOf(stored));
  if (cached !== undefined) return cached;
  const kept = await deps.states.get(stored);
  if (kept === undefined) return stored.fact.kind === "run.requested" ? undefined : rebuild(stored, deps);
  const planned = deps.graphs.of(kept.state.spec);
  const graph = planned.kind === "graph" ? planned.graph : NOTHING_TO_DO;
  return { graph, state: kept.state, revision: kept.revision, settled: false };
}

/** A run whose spec gives no graph has ended as it began. */
const NOTHING_TO_DO: Graph = { steps: [], order: [], byName: new Map(), output: { kind: "object", steps: [] } };

/** A run that begins. Nothing is stored yet. */
export async function begin(of: Home, fact: RunRequested, deps: CollectorDeps): Promise<FoldedRun> {
  const planned = deps.graphs.of(fact.spec);
  if (planned.kind === "faults") {
    return { ...startRefused(fact, planned.faults), revision: 0, settled: false };
  }
  const { graph } = planned;
  const outputs = await loadOutputs(of, graph, undefined, deps, fact);
  return { graph, state: start(fact, graph, outputs), revision: 0, settled: false };
}

/** The state is a fold of the record and nothing else: a lost bucket loses no run. */
async function rebuild(stored: StoredFact, deps: CollectorDeps): Promise<FoldedRun | undefined> {
  let run: FoldedRun | undefined;
  for await (const { fact, seq } of deps.facts.history(stored)) {
    if (seq >= stored.seq) break;
    if (run === undefined) {
      if (fact.kind === "run.requested") run = await begin(stored, fact, deps);
      continue;
    }
    const outputs = await loadOutputs(stored, run.graph, run.state, deps, fact);
    const step = evolve(run.graph, run.state, fact, outputs);
    if (step.kind === "changed") run = { ...run, state: step.state };
  }
  return run;
}

export function keyOf({ namespace, run }: { readonly namespace: string; readonly run: string }): string {
  return `${namespace}.${run}`;
}
