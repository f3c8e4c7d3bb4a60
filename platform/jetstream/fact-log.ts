/**
 * The record of runs on `ARK_FACTS`.
 *
 * F1  A fact is stored at most once under its id: by the server's window; an attempt's beginning, its turns and its
 *     result for good, by their subjects (P2).
 * F2  A reader holds a page of 256 KiB and a fact, a watcher eight facts, however long the record is and slow the reader.
 * F3  What an executor reads has a subject that says all of it: permissions go by subjects.
 * F4  Reading needs no consumer; only watching makes one, ordered and ephemeral, and takes it away at its end.
 */
import { factId, type AttemptKey, type Fact } from "#core/events/facts.ts";
import { factSubject, finishedSubject, runFactsFilter, STREAMS, turnSubject } from "#core/events/subjects.ts";
import type { Delivery, FactLog, RunName, RunRef, StoredFact } from "#core/ports/record.ts";
import { deliveries } from "./deliveries.ts";
import { follow } from "./follow.ts";
import type { Link } from "./link.ts";
import { decodeFact, factHeaders } from "./messages.ts";
import { durableConsumer, DURABLES } from "./provision.ts";
import { isConflict, reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { purgeTimers } from "./timers.ts";

/** A number that was taken for a call that failed leaves a gap; none is that wide. */
const TURNS_AT_ONCE = 8;
/** F2. */
const AHEAD = 8;

/** F1. */
const ONCE: ReadonlySet<Fact["kind"]> = new Set(["step.started", "step.turn", "step.finished"]);

export function factLog(link: Link): FactLog {
  return {
    publish: (run, fact) => link.traffic.sent(STREAMS.facts, publish(link, run, fact)),
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
  const once = ONCE.has(fact.kind);
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

function finished(link: Link, run: RunName, key: AttemptKey): Promise<StoredFact | undefined> {
  return lastOf(link, finishedSubject(run, key));
}

async function lastOf(link: Link, subject: string): Promise<StoredFact | undefined> {
  const stored = await reached(link.jsm.direct.getMessage(STREAMS.facts, { last_by_subj: subject }));
  return stored === null ? undefined : decodeFact({ ...pick(stored), headers: stored.header });
}

async function turns(link: Link, run: RunName, key: AttemptKey): Promise<readonly StoredFact[]> {
  const found: StoredFact[] = [];
  for (let from = 0; ; from += TURNS_AT_ONCE) {
    const numbers = Array.from({ length: TURNS_AT_ONCE }, (_, index) => from + index);
    const page = await Promise.all(numbers.map((turn) => lastOf(link, turnSubject(run, key, turn))));
    found.push(...page.filter((one) => one !== undefined));
    if (page.every((one) => one === undefined)) return found;
  }
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
  for await (const message of follow(link, STREAMS.facts, runFactsFilter(run), { from, ahead: AHEAD, signal })) {
    const stored = decodeFact(message);
    if (stored !== undefined) yield stored;
  }
}

async function* consume(
  link: Link,
  options: { readonly maxPending: number; readonly signal: AbortSignal },
): AsyncGenerator<Delivery<StoredFact>> {
  const consumer = await durableConsumer(link, DURABLES.collector);
  yield* deliveries(consumer, { ...options, stream: STREAMS.facts, traffic: link.traffic, decode: decodeFact });
}

async function purge(link: Link, run: RunName): Promise<void> {
  await purgeTimers(link, run);
  await reached(link.jsm.streams.purge(STREAMS.facts, { filter: runFactsFilter(run) }));
}

/** A stored message has getters on its prototype, which a spread would not copy. */
function pick(message: { readonly subject: string; readonly seq: number; readonly data: Uint8Array }) {
  return { subject: message.subject, seq: message.seq, data: message.data };
}
