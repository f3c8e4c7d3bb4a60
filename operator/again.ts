/** Work that no watch asks for: done at once, and every so often. */
import type { Logger } from "#core/ports/log.ts";
import { sleep } from "#platform/process/sleep.ts";

export type Again = {
  readonly everyMs: number;
  /** For people: what could not be done; it is tried again at its time. */
  readonly failed: string;
  readonly log: Logger;
};

/** Until `signal`. Never rejects. */
export async function againAndAgain(
  work: () => Promise<unknown>,
  { everyMs, failed, log }: Again,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch((error: unknown) => log.warn({ err: error }, failed));
    await sleep(everyMs, signal);
  }
}
