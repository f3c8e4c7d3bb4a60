/**
 * What the API server has of one kind, in memory, and whom its changes concern.
 *
 * I1  What is kept of an object is what `keep` gives: nothing grows with what nobody reads.
 * I2  A kind that is not installed, or may not be read, is a fault that names it; it is looked for again (D51).
 */
import { keyOf } from "#core/api/object-key.ts";
import type { Logger } from "#core/ports/log.ts";
import { WatchRefused } from "#platform/kube/client.ts";
import type { Change, KubeObject } from "#platform/kube/watch.ts";
import { sleep } from "#platform/process/sleep.ts";

export type InformerOptions<O extends KubeObject, T> = {
  /** For people: the kind. */
  readonly kind: string;
  readonly watch: (options: {
    readonly signal: AbortSignal;
    readonly onSynced: () => void;
  }) => AsyncIterable<Change<O>>;
  readonly keep: (object: O) => T;
  /** Sees an object whole, before what is kept of it takes the place of what was. */
  readonly look?: (object: O, now: T, before: T | undefined) => void;
  readonly onChange: (key: string, now: T | undefined, before: T | undefined) => void;
  readonly log: Logger;
};

export type Informer<T> = {
  /** `<namespace>/<name>`. */
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  /** Resolves once all that is there has been seen. */
  readonly synced: Promise<void>;
  /** I2. */
  readonly fault: string | undefined;
  run(signal: AbortSignal): Promise<void>;
};

const AGAIN_MS = 5_000;

export function createInformer<O extends KubeObject, T>(options: InformerOptions<O, T>): Informer<T> {
  return new Following(options);
}

class Following<O extends KubeObject, T> implements Informer<T> {
  readonly #options: InformerOptions<O, T>;
  readonly #known = new Map<string, T>();
  readonly synced: Promise<void>;
  #sync: () => void = () => {};
  fault: string | undefined;

  constructor(options: InformerOptions<O, T>) {
    this.#options = options;
    this.synced = new Promise((resolve) => (this.#sync = resolve));
  }

  get(key: string): T | undefined {
    return this.#known.get(key);
  }

  values(): IterableIterator<T> {
    return this.#known.values();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { kind, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof WatchRefused)) throw error;
        this.fault = `${kind}: ${error.message}`;
        log.warn({ kind, status: error.status, reason: error.message }, "kind cannot be watched");
        await sleep(AGAIN_MS, signal);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    /** What is known from an earlier watch, and this one has not given yet. */
    const unseen = new Set(this.#known.keys());
    const onSynced = () => {
      this.fault = undefined;
      for (const key of unseen) this.#forget(key);
      unseen.clear();
      this.#sync();
    };
    for await (const { type, object } of this.#options.watch({ signal, onSynced })) {
      const key = keyOf(object);
      unseen.delete(key);
      if (type === "deleted") this.#forget(key);
      else this.#keep(key, object);
    }
  }

  #keep(key: string, object: O): void {
    const now = this.#options.keep(object);
    const before = this.#known.get(key);
    this.#options.look?.(object, now, before);
    this.#known.set(key, now);
    this.#options.onChange(key, now, before);
  }

  #forget(key: string): void {
    const before = this.#known.get(key);
    this.#known.delete(key);
    if (before !== undefined) this.#options.onChange(key, undefined, before);
  }
}
