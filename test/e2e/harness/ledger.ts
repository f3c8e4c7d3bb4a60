/**
 * What every feature ends with, whatever broke in it: each accepted fire has exactly its runs (P1), each recorded model
 * call was answered once (P3), and a run's tokens are those that its answers cost.
 */
import { expect } from "vitest";
import { LABELS } from "#core/runs/run-object.ts";
import { hasEnded, type RunObject } from "./cluster.ts";
import { callsOf } from "./model.ts";

export type Ledger = {
  /** Names of runs that an answer promised. */
  accepted(event: string, runs: readonly string[]): void;
  /** Of an event that may skip a fire (Forbid) only so much holds: no run that nobody promised. */
  maySkip(event: string): void;
  /** Runs that must come to be. */
  due(): readonly string[];
  balance(runs: readonly RunObject[]): Promise<void>;
};

export function openLedger(): Ledger {
  const promised = new Map<string, Set<string>>();
  const skipping = new Set<string>();
  return {
    accepted: (event, runs) => {
      const names = promised.get(event) ?? new Set();
      for (const run of runs) names.add(run);
      promised.set(event, names);
    },
    maySkip: (event) => void skipping.add(event),
    due: () => [...promised].flatMap(([event, names]) => (skipping.has(event) ? [] : [...names])),
    balance: async (runs) => {
      for (const [event, names] of promised) {
        const made = runs.filter(({ metadata }) => metadata.labels?.[LABELS.event] === event);
        const found = made.map(({ metadata }) => metadata.name ?? "");
        if (skipping.has(event)) expect([...names], `runs of ${event}`).toEqual(expect.arrayContaining(found));
        else expect(found.toSorted(), `runs of ${event}`).toEqual([...names].toSorted());
      }
      await Promise.all(runs.filter(hasEnded).map(paidOnce));
    },
  };
}

async function paidOnce({ metadata, status }: RunObject): Promise<void> {
  const calls = (await callsOf(`${metadata.uid ?? ""}/`)).filter(({ answered }) => answered);
  const keys = calls.map(({ key }) => key);
  expect(keys, `model calls of ${metadata.name}`).toEqual([...new Set(keys)]);
  const paid = calls.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), 0);
  if (status?.children === undefined) expect(status?.totalTokenUsage?.totalTokens ?? 0, metadata.name).toBe(paid);
}
