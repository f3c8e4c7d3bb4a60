/**
 * Runs `work` once however often it is poked meanwhile, and once more when a poke came during it.
 *
 * Y1  `poke` starts a pass at once, or the next one; no poke is without a pass that began after it.
 * Y2  `pokeSoon` does so too, but it alone begins no pass within `gapMs` of the beginning of the last one.
 */
export class Coalesced {
  readonly #work: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #gapMs: number;
  #running: Promise<void> | undefined;
  #again = false;
  #soon: NodeJS.Timeout | undefined;
  #beganAt = Number.NEGATIVE_INFINITY;

  constructor(work: () => Promise<void>, onError: (error: unknown) => void, gapMs = 1_000) {
    this.#work = work;
    this.#onError = onError;
    this.#gapMs = gapMs;
  }

  poke(): void {
    if (this.#running !== undefined) this.#again = true;
    else this.#running = this.#loop();
  }

  /** For what is to be shown alone: a burst of it is a pass in each `gapMs`. */
  pokeSoon(): void {
    const waitMs = Math.max(this.#beganAt + this.#gapMs - performance.now(), 0);
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.poke();
    }, waitMs);
  }

  /** Resolves when nothing is under way; what `pokeSoon` asked for may still come. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** As `idle`, and nothing comes any more unless it is poked again. */
  async stop(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    await this.idle();
  }

  async #loop(): Promise<void> {
    await Promise.resolve();
    do {
      this.#again = false;
      clearTimeout(this.#soon);
      this.#soon = undefined;
      this.#beganAt = performance.now();
      await this.#work().catch(this.#onError);
    } while (this.#again);
    this.#running = undefined;
  }
}
