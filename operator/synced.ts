/** When enough has been seen to begin (L1, L2). */
import { setTimeout as delay } from "node:timers/promises";
import { aborted } from "#core/abort.ts";
import type { Informers } from "./deps.ts";

const FAULT_LOOK_MS = 200;

/** All that whom to wake depends on; or `signal`. */
export function arkSynced({ agents, services }: Informers, signal: AbortSignal): Promise<unknown> {
  return Promise.race([Promise.all([agents.synced, services.synced]), aborted(signal)]);
}

/** A kind that cannot be watched is taken as one of which there is nothing (L2). */
export async function allSynced(informers: Informers, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const waits = AbortSignal.any([signal, over.signal]);
  const missing = async (informer: Informers[keyof Informers]) => {
    while (informer.fault === undefined && !waits.aborted)
      await delay(FAULT_LOOK_MS, undefined, { signal: waits, ref: false }).catch(() => undefined);
  };
  await Promise.all(Object.values(informers).map((informer) => Promise.race([informer.synced, missing(informer)])));
  over.abort();
}
