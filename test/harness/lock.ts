/** Waits for facts instead of time: `done` resolves after `count` unlocks, and rejects after `ms`. */
export class Lock {
  readonly done: Promise<void>;
  #left: number;
  readonly #resolve: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(count = 1, ms = 10_000) {
    let open = () => {};
    let fail = (_error: Error) => {};
    this.done = new Promise((resolve, reject) => {
      open = resolve;
      fail = reject;
    });
    this.#left = count;
    this.#resolve = open;
    this.#timer = setTimeout(() => fail(new Error(`${this.#left} of ${count} unlocks missing after ${ms} ms`)), ms);
    if (count === 0) this.#open();
  }

  unlock(): void {
    this.#left -= 1;
    if (this.#left <= 0) this.#open();
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#resolve();
  }
}
