/**
 * A block of lines at the end of a terminal that is painted over and over.
 *
 * B1  Every line fits the terminal, and all of them do, so that going up n lines and clearing removes exactly what was
 *     painted; only what is painted last may be longer.
 */
import type { Io } from "./io.ts";

const ESC = "\u001b[";

export class LiveBlock {
  readonly #io: Io;
  #painted = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  paint(lines: readonly string[]): void {
    this.#io.err(this.#back() + lines.map((line) => `${ESC}2K${line}\n`).join("") + `${ESC}J`);
    this.#painted = lines.length;
  }

  /** What was painted last stays. */
  release(): void {
    this.#painted = 0;
  }

  #back(): string {
    return this.#painted === 0 ? "" : `${ESC}${this.#painted}A\r`;
  }
}
