/**
 * The engine's shell: folds the facts of one run, carries out what the engine decides, keeps the state, shows it.
 *
 * K1  Order per fact: fold, commands, state by revision, status, acknowledgement. A crash between any two repeats what
 *     is harmless to repeat (C1) and loses nothing (D5, D6).
 * K2  A revision that is not the stored one means another collector was faster: everything is read and folded anew.
 * K3  A fact that comes before one it builds on is handed back for a moment, never dropped.
 * K4  An unreachable store is waited for with the facts in hand; nothing is acknowledged meanwhile (P8, D9).
 */
import { decide, issued } from "#core/pipeline/decide.ts";
import { evolve } from "#core/pipeline/evolve.ts";
import type { Fact } from "#core/events/facts.ts";
import type { StoredFact } from "#core/ports/record.ts";
import { carryOut, isCancelByParent, loadOutputs } from "./commands.ts";
import type { CollectorDeps } from "./deps.ts";
import { begin, keyOf, loadRun } from "./load.ts";
import { type Change, countChange } from "./measure.ts";
import { retrying } from "#core/ports/retrying.ts";
import type { FoldedRun } from "./run-cache.ts";
import { settle, type FactDelivery, type Folded, type Verdict } from "./settle.ts";

const BUG_MS = 1_000;
const BUG_MAX_MS = 60_000;

/** Facts of one run in order of delivery; every one of them is settled, or left for its redelivery. Never rejects. */
export async function handleFacts(
  batch: readonly FactDelivery[],
  deps: CollectorDeps,
  signal: AbortSignal,
): Promise<void> {
  const [first] = batch;
  if (first === undefined) return;
  const outcome = await retrying(
    () => foldBatch(batch, deps),
    deps,
    signal,
    () => {
      deps.cache.delete(keyOf(first.value));
      for (const delivery of batch) delivery.working();
    },
  );
  switch (outcome.kind) {
    case "done":
      return settle(batch, outcome.value, deps, signal);
    case "stopped":
      return;
    case "failed":
      // A bug, in the engine or here: this run waits, the others go on.
      deps.cache.delete(keyOf(first.value));
      deps.log.error({ run: keyOf(first.value), err: outcome.error }, "facts could not be folded");
      for (const delivery of batch) delivery.nak(Math.min(BUG_MS * 2 ** delivery.deliveries, BUG_MAX_MS));
  }
}

async function foldBatch(batch: readonly FactDelivery[], deps: CollectorDeps): Promise<Folded> {
  for (;;) {
    const folded = await foldOnce(batch, deps);
    if (folded !== "conflict") return folded;
  }
}

async function foldOnce(batch: readonly FactDelivery[], deps: CollectorDeps): Promise<Folded | "conflict"> {
  let run: FoldedRun | undefined;
  const verdicts: Verdict[] = [];
  const changes: Change[] = [];
  for (const { value } of batch) {
    run ??= await loadRun(value, deps);
    const step = await foldOne(run, value, deps);
    verdicts.push(step.verdict);
    if (step.verdict === "folded") changes.push({ before: run?.state, after: step.run?.state, fact: value.fact });
    run = step.run;
  }
  if (run === undefined || changes.length === 0) return { run, verdicts };
  const put = await deps.states.put(run.state, run.revision);
  if (put.kind === "conflict") {
    deps.cache.delete(keyOf(run.state));
    return "conflict";
  }
  for (const change of changes) countChange(change, deps.meters);
  run = { ...run, revision: put.revision };
  deps.cache.set(keyOf(run.state), run);
  return { run, verdicts };
}

type Step = { readonly run: FoldedRun | undefined; readonly verdict: Verdict };

async function foldOne(run: FoldedRun | undefined, stored: StoredFact, deps: CollectorDeps): Promise<Step> {
  const { fact } = stored;
  if (fact.kind === "run.requested" && startsAnew(run, stored)) {
    const fresh = { ...(await begin(stored, fact, deps)), revision: run?.revision ?? 0 };
    return { run: await act(fresh, deps), verdict: "folded" };
  }
  if (run === undefined) return { run, verdict: "early" };
  if (!belongs(run, stored)) return { run, verdict: "foreign" };
  return evolved(run, fact, deps);
}

async function evolved(run: FoldedRun, fact: Fact, deps: CollectorDeps): Promise<Step> {
  const outputs = await loadOutputs(run.state, run.graph, run.state, deps, fact);
  const step = evolve(run.graph, run.state, fact, outputs);
  switch (step.kind) {
    case "same":
      return { run, verdict: "known" };
    case "early":
      return { run, verdict: "early" };
    case "changed":
      return { run: await act({ ...run, state: step.state }, deps), verdict: "folded" };
  }
}

/** A deleted run's name may be used again; its new uid tells. */
function startsAnew(run: FoldedRun | undefined, { uid }: StoredFact): boolean {
  return run === undefined || run.state.uid !== uid;
}

function belongs({ state }: FoldedRun, { uid, fact }: StoredFact): boolean {
  return state.uid === uid || (fact.kind === "run.cancel" && isCancelByParent(uid, state));
}

/** Commands first, state after (C1). */
async function act(run: FoldedRun, deps: CollectorDeps): Promise<FoldedRun> {
  const outputs = await loadOutputs(run.state, run.graph, run.state, deps);
  const commands = decide(run.graph, run.state, deps.now(), outputs);
  const seqs = await Promise.all(commands.map((command) => carryOut(run.graph, run.state, command, deps)));
  const state = commands.reduce((state, { id }, index) => issued(state, id, seqs[index] ?? 0), run.state);
  return { ...run, state };
}
