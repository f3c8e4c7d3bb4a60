/**
 * The pool of an agent: slots that pull one task at a time.
 *
 * O1  Never more than `max` tasks at once (D8).
 * O2  A slot ends after `idleMs` without a task, or at `stop`; it never leaves a task it holds (D7, E24).
 * O3  An agent that is not ready pulls nothing (D26).
 * O4  A queue that is away is asked again with a growing pause (D9).
 * O5  A task that another instance hands in counts as any other; it is refused where there is no room (D42).
 */
import type { Sleep } from "#core/agent/ports.ts";
import type { Delivery } from "#core/ports/record.ts";
import { Permits } from "./permits.ts";
import { retrying } from "#core/ports/retrying.ts";

export type SlotOptions<T> = {
  readonly max: number;
  /** Infinity: until `stop`. */
  readonly idleMs: number;
  /** Waits for a task for `expiresMs` at most. */
  readonly next: (expiresMs: number, signal: AbortSignal) => Promise<Delivery<T> | undefined>;
  /** Never rejects. */
  readonly handle: (delivery: Delivery<T>) => Promise<unknown>;
  /** Hands a pulled task to the instance it is meant for; absent: everything is worked on here. Never rejects. */
  readonly place?: (delivery: Delivery<T>) => Promise<"ours" | "handed">;
  /** Something of what the pool says of itself is another. */
  readonly changed?: () => void;
  /** Resolves with true when the agent may take a task; asked before each pull. */
  readonly ready: (signal: AbortSignal) => Promise<boolean>;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
  /** No further pull once it aborts. */
  readonly stop: AbortSignal;
};

export type Pool<T> = {
  /** Works until idle or stopped; resolves at once when all slots are taken. Rejects with what broke the pull. */
  slot(): Promise<void>;
  /** A task that another instance pulled and that is meant for this one (O5). */
  take(delivery: Delivery<T>): "taken" | "refused";
  /** Resolves when no task that came by `take` is in hand. Never rejects. */
  settled(): Promise<void>;
  readonly busy: number;
  readonly max: number;
  /** Slots that are there, working or waiting for work. */
  readonly open: number;
  /** The newest answer of `ready`; false until it was asked. */
  readonly ready: boolean;
};

const PULL_MS = 10_000;
const UNREADY_MS = 1_000;
/** Well below the acknowledgement wait. */
const BEAT_MS = 5_000;

export function createPool<T>(options: SlotOptions<T>): Pool<T> {
  const permits = new Permits(options.max);
  const handed = new Set<Promise<void>>();
  let open = 0;
  let ready = false;
  const changed = () => options.changed?.();

  const asked: SlotOptions<T> = {
    ...options,
    ready: async (signal) => {
      const before = ready;
      ready = await options.ready(signal);
      if (ready !== before) changed();
      return ready;
    },
  };

  /** With a permit in hand. */
  const handle = async (delivery: Delivery<T>): Promise<void> => {
    changed();
    await options.handle(delivery);
    permits.release();
    changed();
  };

  /** O1: a task that was handed in meanwhile may have the last permit. */
  const workOn = async (delivery: Delivery<T>): Promise<void> => {
    if ((await options.place?.(delivery)) === "handed") return;
    const beat = setInterval(() => delivery.working(), BEAT_MS);
    const permitted = await permits.take(options.stop);
    clearInterval(beat);
    if (permitted) await handle(delivery);
    else delivery.nak();
  };

  const slot = async (): Promise<void> => {
    let idleSince = options.now();
    while (!options.stop.aborted) {
      const left = options.idleMs - (options.now() - idleSince);
      if (left <= 0) return;
      const delivery = await pull(Math.min(PULL_MS, left), asked);
      if (delivery === undefined) continue;
      await workOn(delivery);
      idleSince = options.now();
    }
  };

  return {
    async slot() {
      if (open >= options.max) return;
      open += 1;
      changed();
      try {
        await slot();
      } finally {
        open -= 1;
        changed();
      }
    },
    take(delivery) {
      if (options.stop.aborted || !ready || !permits.tryTake()) return "refused";
      const work = handle(delivery).finally(() => handed.delete(work));
      handed.add(work);
      return "taken";
    },
    async settled() {
      await Promise.all(handed);
    },
    get busy() {
      return permits.taken;
    },
    max: options.max,
    get open() {
      return open;
    },
    get ready() {
      return ready;
    },
  };
}

async function pull<T>(expiresMs: number, options: SlotOptions<T>): Promise<Delivery<T> | undefined> {
  const { stop } = options;
  if (!(await options.ready(stop))) {
    await options.sleep(Math.min(UNREADY_MS, expiresMs), stop);
    return undefined;
  }
  const pulled = await retrying(() => options.next(expiresMs, stop), options, stop);
  if (pulled.kind === "failed") throw pulled.error;
  return pulled.kind === "done" ? pulled.value : undefined;
}
