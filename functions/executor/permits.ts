/** How many tasks may be in hand at once, whichever way they came (D8). First come, first served. */
export class Permits {
  readonly #max: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get taken(): number {
    return this.#taken;
  }

  tryTake(): boolean {
    if (this.#taken >= this.#max) return false;
    this.#taken += 1;
    return true;
  }

  /** False when `signal` ended the wait. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (this.tryTake()) return true;
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const settle = (given: boolean) => {
        signal.removeEventListener("abort", leave);
        resolve(given);
      };
      const grant = () => settle(true);
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        settle(false);
      };
      this.#waiting.push(grant);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** A permit goes from hand to hand while somebody waits for it. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
