/** P8, for doors: while a store is away whoever asks is told to come again. */
import type { Logger } from "./log.ts";
import { StoreUnavailable } from "./record.ts";

/** What `work` comes to, or `away` when a store cannot be reached meanwhile. */
export async function unlessAway<T>(work: () => Promise<T>, away: T, log: Logger): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    log.warn({ err: error }, "store away");
    return away;
  }
}
