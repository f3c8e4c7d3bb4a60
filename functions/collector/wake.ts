/**
 * Takes facts while there is a wake: the process's own beginning is the first (`early`), then those that are held.
 *
 * Z1  The first wake starts taking, the end of the last one stops it: a process that nobody holds takes nothing that
 *     its end could strand.
 * Z2  A wake ends once no fact came for `idleMs`, or at `stop`.
 */
import type { Collector } from "./collect.ts";

export type Waker = {
  /** Resolves when there is nothing to do any more. Never rejects. */
  wake(): Promise<void>;
  /** Resolves when nothing that a wake started is in hand. */
  ended(): Promise<void>;
};

const LOOK_EVERY_MS = 1_000;

export function createWaker(collector: Collector, idleMs: number, stop: AbortSignal): Waker {
  let holds = 0;
  let ending = Promise.resolve();
  let current: { readonly end: AbortController; readonly running: Promise<void> } | undefined;

  const begin = async (): Promise<void> => {
    await ending;
    if (current !== undefined || holds === 0) return;
    const end = new AbortController();
    current = { end, running: collector.run(AbortSignal.any([stop, end.signal])) };
  };
  const end = (): void => {
    if (current === undefined) return;
    current.end.abort();
    ending = current.running;
    current = undefined;
  };

  return {
    async wake() {
      holds += 1;
      await begin();
      // A collector that was idle before the wake starts to count now.
      for (let look = true; look && !stop.aborted; look = collector.idleMs() < idleMs) {
        await collector.deps.sleep(Math.min(LOOK_EVERY_MS, idleMs), stop);
      }
      holds -= 1;
      if (holds === 0) end();
      await ending;
    },
    async ended() {
      await current?.running;
      await ending;
    },
  };
}
