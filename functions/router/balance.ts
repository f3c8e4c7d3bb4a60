/**
 * Whose turn it is, for each service.
 *
 * B1  A task counts for its instance from the moment it is meant for it: tasks that come at once spread, although the
 *     instances themselves have not yet said that they are busy (D42).
 * B2  It counts for a while, and for as long as somebody here waits for its end: a task that was never stored, and one
 *     whose client has gone, are forgotten. The instance's own word counts always.
 */
import { choose } from "#core/routing/choose.ts";
import type { Instance, ServiceRecord } from "#core/ports/services.ts";

/** `at`: when it counted last; infinity while somebody waits for it. */
type Meant = { readonly instance: string; readonly at: number };

/** By then its instance has said that it is busy. */
const FORGET_MS = 5_000;

export class Balance {
  readonly #last = new Map<string, string>();
  readonly #meant = new Map<string, Meant>();
  readonly #now: () => number;
  readonly #random: () => number;

  constructor({ now, random }: { readonly now: () => number; readonly random: () => number }) {
    this.#now = now;
    this.#random = random;
  }

  /** `run`: what the chosen one is to do. Undefined: nobody is ready. */
  choose(service: ServiceRecord, instances: readonly Instance[], run: string): string | undefined {
    const key = `${service.namespace}/${service.name}`;
    const loads = this.#loads();
    const candidates = instances.map(({ instance, ready, active }) => ({
      instance,
      ready,
      load: Math.max(active, loads.get(instance) ?? 0),
    }));
    const chosen = choose(service.strategy, candidates, this.#last.get(key), this.#random());
    if (chosen === undefined) return undefined;
    this.#last.set(key, chosen);
    this.#meant.set(run, { instance: chosen, at: this.#now() });
    return chosen;
  }

  /** Counts `run` while `wait` goes on: what that gives says whether the run has ended. */
  async during<T extends { readonly kind: string }>(run: string, wait: () => Promise<T>): Promise<T> {
    const letGo = this.hold(run);
    let hasEnded = false;
    try {
      const waited = await wait();
      hasEnded = waited.kind !== "waiting";
      return waited;
    } finally {
      letGo(hasEnded);
    }
  }

  /** Counts `run` until what it returns is called. */
  hold(run: string): (hasEnded: boolean) => void {
    this.#countAt(run, Number.POSITIVE_INFINITY);
    return (hasEnded) => {
      if (hasEnded) this.#meant.delete(run);
      else this.#countAt(run, this.#now());
    };
  }

  #countAt(run: string, at: number): void {
    const meant = this.#meant.get(run);
    if (meant !== undefined) this.#meant.set(run, { ...meant, at });
  }

  #loads(): ReadonlyMap<string, number> {
    const loads = new Map<string, number>();
    const forget = this.#now() - FORGET_MS;
    for (const [run, { instance, at }] of this.#meant) {
      if (at < forget) this.#meant.delete(run);
      else loads.set(instance, (loads.get(instance) ?? 0) + 1);
    }
    return loads;
  }
}
