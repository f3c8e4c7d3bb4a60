/** Runs `work` once however often it is poked meanwhile, and once more when a poke came during it. */
export class Coalesced {
  readonly #work: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(work: () => Promise<void>, onError: (error: unknown) => void) {
    this.#work = work;
    this.#onError = onError;
  }

  poke(): void {
    if (this.#running !== undefined) this.#again = true;
    else this.#running = this.#loop();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #loop(): Promise<void> {
    await Promise.resolve();
    do {
      this.#again = false;
      await this.#work().catch(this.#onError);
    } while (this.#again);
    this.#running = undefined;
  }
}
