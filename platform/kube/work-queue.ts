/**
 * Keys that wait to be looked at, and the loop that looks at them.
 *
 * U1  One key is in hand once at a time; one that comes meanwhile is looked at again afterwards.
 * U2  A key that fails comes again after a pause that doubles, with jitter; the first success forgets the count.
 * U3  Waiting is silence: nothing comes again by itself but what asked for a time.
 * U4  A time may be any time away, as the tick of a yearly schedule is: longer than a timer can wait.
 * U5  After the signal no timer is left, nor made for what ends in hand: it would keep its process for that long.
 */
import { aborted } from "#core/abort.ts";
import { LONGEST_TIMER_MS } from "#core/duration.ts";
import type { Logger } from "#core/ports/log.ts";

export type WorkOutcome =
  | { readonly kind: "done" }
  /** Somebody else must act first; `afterMs`: look again then, whatever happens. */
  | { readonly kind: "wait"; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number };

export type WorkQueueOptions = {
  readonly work: (key: string, signal: AbortSignal) => Promise<WorkOutcome>;
  readonly concurrency: number;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly backoffMs?: { readonly first: number; readonly most: number };
};

export type WorkQueue = {
  /** At once, or after a time; the earlier of two times counts. */
  add(key: string, afterMs?: number): void;
  /** Works until `signal`, once; resolves when nothing is in hand. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing waits to be looked at now and nothing is in hand. */
  idle(): Promise<void>;
};

const BACKOFF_MS = { first: 250, most: 30_000 } as const;

type Timer = { readonly at: number; readonly handle: NodeJS.Timeout };

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new Queue(options);
}

class Queue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #inHand = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();
  #signal: AbortSignal | undefined;
  #idlers: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string, afterMs = 0): void {
    if (afterMs > 0) return this.#later(key, afterMs);
    this.#clear(key);
    this.#waiting.add(key);
    this.#fill();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#fill();
    await aborted(signal);
    for (const key of this.#timers.keys()) this.#clear(key);
    await Promise.all(this.#inHand.values());
    this.#settle();
  }

  async idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#inHand.size === 0) return;
    await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  #later(key: string, afterMs: number): void {
    // U5.
    if (this.#signal?.aborted === true) return;
    const at = performance.now() + afterMs;
    const known = this.#timers.get(key);
    if (known !== undefined && known.at <= at) return;
    this.#clear(key);
    this.#arm(key, at);
  }

  /** U4. */
  #arm(key: string, at: number): void {
    const leftMs = at - performance.now();
    const next = leftMs > LONGEST_TIMER_MS ? () => this.#arm(key, at) : () => this.add(key);
    this.#timers.set(key, { at, handle: setTimeout(next, Math.min(leftMs, LONGEST_TIMER_MS)) });
  }

  #clear(key: string): void {
    clearTimeout(this.#timers.get(key)?.handle);
    this.#timers.delete(key);
  }

  #fill(): void {
    const signal = this.#signal;
    if (signal === undefined || signal.aborted) return;
    for (const key of this.#waiting) {
      if (this.#inHand.size >= this.#options.concurrency) return;
      if (this.#inHand.has(key)) continue;
      this.#waiting.delete(key);
      const work = this.#look(key, signal).finally(() => {
        this.#inHand.delete(key);
        this.#fill();
        this.#settle();
      });
      this.#inHand.set(key, work);
    }
  }

  async #look(key: string, signal: AbortSignal): Promise<void> {
    const { work, log } = this.#options;
    try {
      const outcome = await work(key, signal);
      if (outcome.kind !== "retry") this.#failures.delete(key);
      if (outcome.kind === "retry") this.#again(key, outcome.reason, outcome.afterMs);
      else if (outcome.kind === "wait" && outcome.afterMs !== undefined) this.#later(key, outcome.afterMs);
    } catch (error) {
      if (signal.aborted) return;
      log.error({ err: error, key }, "reconcile failed");
      this.#again(key, String(error));
    }
  }

  /** U2. */
  #again(key: string, reason: string, afterMs = 0): void {
    const { log, random, backoffMs = BACKOFF_MS } = this.#options;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const pause = Math.min(backoffMs.first * 2 ** (failures - 1), backoffMs.most);
    const wait = Math.max(afterMs, pause / 2 + (pause / 2) * random());
    log.debug({ key, reason, failures }, "comes again");
    this.#later(key, wait);
  }

  #settle(): void {
    if (this.#waiting.size > 0 || this.#inHand.size > 0) return;
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const resolve of idlers) resolve();
  }
}
