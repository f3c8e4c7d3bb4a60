/**
 * Keeps the order of one key while keys run side by side.
 *
 * N1  At most one `work` runs per key; what arrives meanwhile is its next batch, in order of arrival.
 * N2  A key that has nothing to do holds no memory.
 */
export type Lanes<T> = {
  push(key: string, item: T): void;
  /** Keys that are at work now. */
  readonly active: number;
  /** Resolves once nothing is at work. */
  idle(): Promise<void>;
};

/** `work` never rejects: whoever passes it settles every item itself. */
export function createLanes<T>(work: (key: string, batch: readonly T[]) => Promise<void>, maxBatch: number): Lanes<T> {
  const waiting = new Map<string, T[]>();
  let wakeIdle: (() => void)[] = [];

  const drain = async (key: string, queue: T[]): Promise<void> => {
    while (queue.length > 0) await work(key, queue.splice(0, maxBatch));
    waiting.delete(key);
    if (waiting.size > 0) return;
    for (const resolve of wakeIdle) resolve();
    wakeIdle = [];
  };

  return {
    push(key, item) {
      const queue = waiting.get(key);
      if (queue !== undefined) return void queue.push(item);
      const fresh = [item];
      waiting.set(key, fresh);
      void drain(key, fresh);
    },
    get active() {
      return waiting.size;
    },
    idle: () => (waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => wakeIdle.push(resolve))),
  };
}
