/**
 * The pool of an agent: slots that pull one task at a time.
 *
 * O1  Never more than `max` tasks at once (D8).
 * O2  A slot ends after `idleMs` without a task, or at `stop`; it never leaves a task it holds (D7, E24).
 * O3  An agent that is not ready pulls nothing (D26).
 * O4  A queue that is away is asked again with a growing pause (D9).
 */
import type { Delivery } from "#core/ports/record.ts";
import { retrying } from "./retrying.ts";
import { sleep } from "./sleep.ts";

export type SlotOptions<T> = {
  readonly max: number;
  /** Infinity: until `stop`. */
  readonly idleMs: number;
  /** Waits for a task for `expiresMs` at most. */
  readonly next: (expiresMs: number, signal: AbortSignal) => Promise<Delivery<T> | undefined>;
  /** Never rejects. */
  readonly handle: (delivery: Delivery<T>) => Promise<unknown>;
  /** Resolves with true when the agent may take a task; asked before each pull. */
  readonly ready: (signal: AbortSignal) => Promise<boolean>;
  readonly now: () => number;
  readonly random: () => number;
  /** No further pull once it aborts. */
  readonly stop: AbortSignal;
};

export type Pool = {
  /** Works until idle or stopped; resolves at once when all slots are taken. */
  slot(): Promise<void>;
  readonly busy: number;
  /** Slots that are there, working or waiting for work. */
  readonly open: number;
};

const PULL_MS = 10_000;
const UNREADY_MS = 1_000;

export function createPool<T>(options: SlotOptions<T>): Pool {
  let open = 0;
  let busy = 0;

  const slot = async (): Promise<void> => {
    let idleSince = options.now();
    while (!options.stop.aborted) {
      const left = options.idleMs - (options.now() - idleSince);
      if (left <= 0) return;
      const delivery = await pull(Math.min(PULL_MS, left), options);
      if (delivery === undefined) continue;
      busy += 1;
      await options.handle(delivery);
      busy -= 1;
      idleSince = options.now();
    }
  };

  return {
    async slot() {
      if (open >= options.max) return;
      open += 1;
      await slot();
      open -= 1;
    },
    get busy() {
      return busy;
    },
    get open() {
      return open;
    },
  };
}

/** `options.max` slots; resolves once the last one has ended. Never rejects. */
export async function runSlots<T>(options: SlotOptions<T>): Promise<void> {
  const pool = createPool(options);
  await Promise.all(Array.from({ length: options.max }, () => pool.slot()));
}

async function pull<T>(expiresMs: number, options: SlotOptions<T>): Promise<Delivery<T> | undefined> {
  const { stop } = options;
  if (!(await options.ready(stop))) {
    await sleep(Math.min(UNREADY_MS, expiresMs), stop);
    return undefined;
  }
  const pulled = await retrying(() => options.next(expiresMs, stop), options, stop);
  if (pulled.kind === "failed") throw pulled.error;
  return pulled.kind === "done" ? pulled.value : undefined;
}
