/**
 * Keeps the order of one key while keys run side by side.
 *
 * N1  At most one `work` runs per key; what arrives meanwhile is its next batch, in order of arrival.
 * N2  A key that has nothing to do holds no memory.
 * N3  Items that can wait do so for a moment, together, and go with the first one that cannot.
 */
export type Patience<T> = { readonly canWait: (item: T) => boolean; readonly ms: number };

export type Lanes<T> = {
  push(key: string, item: T): void;
  /** Keys that are at work now. */
  readonly active: number;
  /** Resolves once nothing is at work. */
  idle(): Promise<void>;
};

type Lane<T> = { readonly items: T[]; hurry?: () => void };

/** `work` never rejects: whoever passes it settles every item itself. */
export function createLanes<T>(
  work: (key: string, batch: readonly T[]) => Promise<void>,
  maxBatch: number,
  { canWait, ms }: Patience<T>,
): Lanes<T> {
  const lanes = new Map<string, Lane<T>>();
  let wakeIdle: (() => void)[] = [];

  /** N3. */
  const rest = (lane: Lane<T>): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      lane.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const drain = async (key: string, lane: Lane<T>): Promise<void> => {
    while (lane.items.length > 0) {
      if (lane.items.every(canWait)) await rest(lane);
      await work(key, lane.items.splice(0, maxBatch));
    }
    lanes.delete(key);
    if (lanes.size > 0) return;
    for (const resolve of wakeIdle) resolve();
    wakeIdle = [];
  };

  return {
    push(key, item) {
      const lane = lanes.get(key);
      if (lane === undefined) {
        const fresh = { items: [item] };
        lanes.set(key, fresh);
        void drain(key, fresh);
        return;
      }
      lane.items.push(item);
      if (!canWait(item)) lane.hurry?.();
    },
    get active() {
      return lanes.size;
    },
    idle: () => (lanes.size === 0 ? Promise.resolve() : new Promise((resolve) => wakeIdle.push(resolve))),
  };
}
