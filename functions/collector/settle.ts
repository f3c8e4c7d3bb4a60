/** Settles folded facts: shows what they changed, frees what their run held, then acknowledges (K1, W2). */
import type { Delivery, StoredFact } from "#core/ports/record.ts";
import type { CollectorDeps } from "./deps.ts";
import { keyOf } from "./load.ts";
import { retrying } from "#core/ports/retrying.ts";
import type { FoldedRun } from "./run-cache.ts";
import { STATUS_TIMER } from "./status.ts";
import { traceEnd } from "./trace.ts";

export type FactDelivery = Delivery<StoredFact>;

/** What became of one fact. `foreign`: of an earlier run of the same name. */
export type Verdict = "folded" | "known" | "early" | "foreign";

/** `verdicts` stand in the order of the facts. */
export type Folded = { readonly run: FoldedRun | undefined; readonly verdicts: readonly Verdict[] };

const EARLY_MS = 200;
const EARLY_MAX_MS = 30_000;
/** About ten minutes of waiting for what never comes: a run that was deleted with facts on their way. */
const EARLY_DELIVERIES = 30;

/** Never rejects. */
export async function settle(
  batch: readonly FactDelivery[],
  { run, verdicts }: Folded,
  deps: CollectorDeps,
  signal: AbortSignal,
): Promise<void> {
  const known = batch.filter((_delivery, index) => verdicts[index] !== "early");
  for (const [index, delivery] of batch.entries()) if (verdicts[index] === "early") handBack(delivery, deps);
  if (known.length === 0) return;
  const acknowledge = (): void => {
    for (const delivery of known) void ack(delivery, deps);
  };
  const news = verdicts.includes("folded") || known.some(({ value }) => isOwedStatus(value));
  if (run === undefined || !hasToBeShown(run, news)) return acknowledge();
  const ended = run.state.phase.kind !== "running";
  if (ended && !(await releaseLock(run, deps, signal))) return;
  deps.writer.show(run.graph, run.state, () => {
    if (ended) conclude(run, deps);
    acknowledge();
  });
}

/** Several facts may wait for the same showing; the first one of them concludes. */
function conclude(run: FoldedRun, deps: CollectorDeps): void {
  const key = keyOf(run.state);
  if (deps.cache.get(key)?.settled === true) return;
  traceEnd(run.state, deps.spans);
  deps.cache.set(key, { ...run, settled: true });
}

/** An end is told again until this process knows that it was told: another one may have died before that. */
function hasToBeShown(run: FoldedRun, news: boolean): boolean {
  return news || (run.state.phase.kind !== "running" && !run.settled);
}

function isOwedStatus({ fact }: StoredFact): boolean {
  return fact.kind === "timer" && fact.timer === STATUS_TIMER;
}

/** The next fire of a `Forbid` event may start once the runs of this one have ended (D47). */
async function releaseLock({ state }: FoldedRun, deps: CollectorDeps, signal: AbortSignal): Promise<boolean> {
  if (state.event === undefined) return true;
  const lock = `${state.namespace}.${state.event}`;
  const outcome = await retrying(() => deps.locks.release(lock, state.run), deps, signal);
  if (outcome.kind === "failed") deps.log.error({ lock, run: state.run, err: outcome.error }, "lock not released");
  return outcome.kind === "done";
}

/** What it builds on may be on its way; of an unknown run, so may the request, or the run is deleted. */
function handBack(delivery: FactDelivery, deps: CollectorDeps): void {
  if (delivery.deliveries < EARLY_DELIVERIES) {
    delivery.nak(Math.min(EARLY_MS * 2 ** (delivery.deliveries - 1), EARLY_MAX_MS));
    return;
  }
  const { fact } = delivery.value;
  deps.log.warn({ run: keyOf(delivery.value), fact: fact.kind }, "fact dropped that never fitted its run");
  void ack(delivery, deps);
}

/** An acknowledgement that is lost brings the fact back, and the fold knows it already. */
async function ack(delivery: FactDelivery, deps: CollectorDeps): Promise<void> {
  try {
    await delivery.ack();
  } catch (error) {
    deps.log.debug({ run: keyOf(delivery.value), err: error }, "acknowledgement did not arrive");
  }
}
