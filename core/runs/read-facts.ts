/**
 * The record of a run for a reader: from the fact after the last one that it has, with long texts whole if it asks.
 *
 * R1  What `signal` cuts short throws, unless it follows: an end says that there was no more.
 */
import type { Text } from "#core/events/text.ts";
import { type FactLog, type Outputs, type RunName, type StoredFact, StoreUnavailable } from "#core/ports/record.ts";

export type FactReading = {
  /** Also those to come, until `signal`. */
  readonly follow: boolean;
  readonly fromSeq: number;
  readonly whole: boolean;
};

export type FactReaderDeps = {
  readonly facts: Pick<FactLog, "history" | "watch">;
  readonly outputs: Pick<Outputs, "load">;
  /** A longer text stays a reference; default: none is too long. */
  readonly maxTextBytes?: number;
};

/** Of `?follow=true&fromSeq=1&whole=true`; undefined where `fromSeq` is no number of a fact. */
export function readingOf(parameter: (name: string) => string | null): FactReading | undefined {
  const fromSeq = Number(parameter("fromSeq") ?? "1");
  if (!Number.isSafeInteger(fromSeq) || fromSeq < 1) return undefined;
  return { follow: parameter("follow") === "true", fromSeq, whole: parameter("whole") === "true" };
}

export async function* readFacts(
  run: RunName,
  { follow, fromSeq, whole }: FactReading,
  deps: FactReaderDeps,
  signal: AbortSignal,
): AsyncGenerator<StoredFact> {
  const facts = follow ? deps.facts.watch(run, { fromSeq, signal }) : deps.facts.history(run);
  for await (const stored of facts) {
    if (signal.aborted) break;
    if (stored.seq >= fromSeq) yield whole ? await inlined(stored, deps) : stored;
  }
  if (!follow) signal.throwIfAborted();
}

/** Texts above the inline limit in place of their references. One that is gone, or not what it was, stays a reference. */
async function inlined({ fact, ...stored }: StoredFact, deps: FactReaderDeps): Promise<StoredFact> {
  const { outputs, maxTextBytes = Number.POSITIVE_INFINITY } = deps;
  const inline = async (text: Text): Promise<Text> => {
    if ("inline" in text || text.ref.bytes > maxTextBytes) return text;
    try {
      return { inline: await outputs.load(stored, text) };
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      return text;
    }
  };
  if (fact.kind === "step.turn") return { ...stored, fact: { ...fact, record: await inline(fact.record) } };
  if (fact.kind !== "step.finished" || fact.outcome.kind !== "done") return { ...stored, fact };
  const outcome = { ...fact.outcome, output: await inline(fact.outcome.output) };
  return { ...stored, fact: { ...fact, outcome } };
}
