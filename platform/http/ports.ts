/**
 * Ports that come and go: a listener for each that is wanted now.
 *
 * Q1  What is wanted is said whole, and the last word counts.
 * Q2  A port that cannot be opened is a fault of that port alone. It is tried again for as long as it is wanted.
 * Q3  A port that nobody wants takes no new connection at once; what is open there has a grace. A port that gets another
 *     owner stays open: its next request is the new owner's.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "#core/ports/log.ts";
import { serve, type ServeOptions, type Serving } from "./server.ts";

export type PortsOptions<T> = {
  /** Answers a request at a port of this owner. */
  readonly listener: (asked: IncomingMessage, answer: ServerResponse, owner: T) => void;
  readonly serve: Omit<ServeOptions, "port">;
  /** Of requests at a port that goes. */
  readonly graceMs: number;
  /** Heard of when a port that could not be opened has been opened after all. */
  readonly onOpened?: () => void;
  readonly log: Logger;
  readonly againMs?: number;
};

export type Ports<T> = AsyncDisposable & {
  /** Resolves when these are open, or have a fault. */
  use(wanted: ReadonlyMap<number, T>): Promise<void>;
  /** Why a port is not open. */
  fault(port: number): string | undefined;
  /** Those that are open, and whose. */
  open(): ReadonlyMap<number, T>;
  /** Resolves when nothing is open any more. */
  stop(graceMs: number): Promise<void>;
};

const AGAIN_MS = 5_000;

export function createPorts<T>(options: PortsOptions<T>): Ports<T> {
  return new ComingAndGoing(options);
}

class ComingAndGoing<T> implements Ports<T> {
  readonly #options: PortsOptions<T>;
  readonly #servings = new Map<number, Serving>();
  readonly #faults = new Map<number, string>();
  readonly #closing = new Set<Promise<void>>();
  #wanted: ReadonlyMap<number, T> = new Map();
  #turn: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: PortsOptions<T>) {
    this.#options = options;
  }

  use(wanted: ReadonlyMap<number, T>): Promise<void> {
    if (this.#isOver) return this.#turn;
    this.#wanted = wanted;
    this.#turn = this.#turn.then(() => this.#settle());
    return this.#turn;
  }

  fault(port: number): string | undefined {
    return this.#faults.get(port);
  }

  open(): ReadonlyMap<number, T> {
    return new Map([...this.#wanted].filter(([port]) => this.#servings.has(port)));
  }

  async stop(graceMs: number): Promise<void> {
    this.#isOver = true;
    await this.#turn;
    clearTimeout(this.#again);
    for (const [port, serving] of this.#servings) this.#close(port, serving, graceMs);
    await Promise.all(this.#closing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0);
  }

  async #settle(): Promise<void> {
    clearTimeout(this.#again);
    if (this.#isOver) return;
    for (const [port, serving] of this.#servings)
      if (!this.#wanted.has(port)) this.#close(port, serving, this.#options.graceMs);
    for (const port of this.#faults.keys()) if (!this.#wanted.has(port)) this.#faults.delete(port);
    for (const port of this.#wanted.keys()) if (!this.#servings.has(port)) await this.#open(port);
    if (this.#faults.size > 0) this.#tryAgain();
  }

  /** Q2. */
  #tryAgain(): void {
    const { againMs = AGAIN_MS, onOpened } = this.#options;
    const before = this.#faults.size;
    this.#again = setTimeout(() => {
      this.#turn = this.#turn
        .then(() => this.#settle())
        .then(() => {
          if (this.#faults.size < before) onOpened?.();
        });
    }, againMs);
    this.#again.unref();
  }

  async #open(port: number): Promise<void> {
    const { listener, log, serve: options } = this.#options;
    try {
      const serving = await serve(
        (asked, answer) => {
          const owner = this.#wanted.get(port);
          if (owner === undefined) answer.destroy();
          else listener(asked, answer, owner);
        },
        { ...options, port },
      );
      this.#servings.set(port, serving);
      this.#faults.delete(port);
      log.info({ port }, "port opened");
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (this.#faults.get(port) !== error.message) log.warn({ port, reason: error.message }, "port not opened");
      this.#faults.set(port, error.message);
    }
  }

  /** Q3. */
  #close(port: number, serving: Serving, graceMs: number): void {
    this.#servings.delete(port);
    const closing = serving.stop(graceMs);
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
    this.#options.log.info({ port }, "port closed");
  }
}
