/**
 * The record of runs on `ARK_FACTS`.
 *
 * F1  A fact is stored at most once under its id: by the server's window, and a result for good, by its subject (P2).
 * F4  Reading needs no consumer; only watching makes one, ordered and ephemeral, and takes it away at its end.
 */
import { factId, type AttemptKey, type Fact } from "#core/events/facts.ts";
import {
  factSubject,
  finishedSubject,
  runFactsFilter,
  STREAMS,
  timerSubject,
  turnSubject,
} from "#core/events/subjects.ts";
import type { Delivery, FactLog, RunName, RunRef, StoredFact } from "#core/ports/record.ts";
import { deliveries } from "./deliveries.ts";
import { follow } from "./follow.ts";
import type { Link } from "./link.ts";
import { decodeFact, factHeaders } from "./messages.ts";
import { durableConsumer, DURABLES } from "./provision.ts";
import { isConflict, reached } from "./reached.ts";
import { readStored } from "./read.ts";

export function factLog(link: Link): FactLog {
  return {
    publish: (run, fact) => publish(link, run, fact),
    finished: (run, key) => finished(link, run, key),
    turns: (run, key) => turns(link, run, key),
    history: (run) => facts(link, runFactsFilter(run)),
    watch: (run, options) => watch(link, run, options),
    consume: (options) => consume(link, options),
    purge: (run) => purge(link, run),
  };
}

async function publish(
  link: Link,
  run: RunRef,
  fact: Fact,
): Promise<{ readonly kind: "stored" | "duplicate"; readonly seq: number }> {
  const subject = factSubject(run, fact);
  const once = fact.kind === "step.finished";
  try {
    const ack = await reached(
      link.js.publish(subject, JSON.stringify(fact), {
        msgID: factId(run.uid, fact),
        headers: factHeaders(run, fact),
        ...(once ? { expect: { lastSubjectSequence: 0 } } : {}),
      }),
    );
    return { kind: ack.duplicate ? "duplicate" : "stored", seq: ack.seq };
  } catch (error) {
    if (!once || !isConflict(error)) throw error;
    const earlier = await reached(link.jsm.direct.getMessage(STREAMS.facts, { last_by_subj: subject }));
    return { kind: "duplicate", seq: earlier?.seq ?? 0 };
  }
}

async function finished(link: Link, run: RunName, key: AttemptKey): Promise<StoredFact | undefined> {
  const stored = await reached(link.jsm.direct.getMessage(STREAMS.facts, { last_by_subj: finishedSubject(run, key) }));
  return stored === null ? undefined : decodeFact({ ...pick(stored), headers: stored.header });
}

async function turns(link: Link, run: RunName, key: AttemptKey): Promise<readonly StoredFact[]> {
  const found: StoredFact[] = [];
  for await (const stored of facts(link, turnSubject(run, key))) found.push(stored);
  return found;
}

async function* facts(link: Link, filter: string): AsyncGenerator<StoredFact> {
  for await (const message of readStored(link, STREAMS.facts, filter)) {
    const stored = decodeFact({ ...pick(message), headers: message.header });
    if (stored !== undefined) yield stored;
  }
}

async function* watch(
  link: Link,
  run: RunName,
  { fromSeq, signal }: { readonly fromSeq?: number; readonly signal: AbortSignal },
): AsyncGenerator<StoredFact> {
  const from = fromSeq === undefined ? "first" : { seq: fromSeq };
  for await (const message of follow(link, STREAMS.facts, runFactsFilter(run), { from, signal })) {
    const stored = decodeFact(message);
    if (stored !== undefined) yield stored;
  }
}

async function* consume(
  link: Link,
  options: { readonly maxPending: number; readonly signal: AbortSignal },
): AsyncGenerator<Delivery<StoredFact>> {
  const consumer = await durableConsumer(link, DURABLES.collector);
  yield* deliveries(consumer, { ...options, decode: decodeFact });
}

async function purge(link: Link, run: RunName): Promise<void> {
  const filters = [timerSubject(run, ">"), runFactsFilter(run)];
  await Promise.all(filters.map((filter) => reached(link.jsm.streams.purge(STREAMS.facts, { filter }))));
}

/** A stored message has getters on its prototype, which a spread would not copy. */
function pick(message: { readonly subject: string; readonly seq: number; readonly data: Uint8Array }) {
  return { subject: message.subject, seq: message.seq, data: message.data };
}
