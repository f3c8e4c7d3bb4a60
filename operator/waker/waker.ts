/**
 * Keeps as many wakes open as the plan says: looks at the queues every so often, and at a hint.
 *
 * K1  Never more open wakes of a pool than planned when they were opened; none is closed while its pool has work, but
 *     for a pool that is let go (W2).
 * K2  A pool whose wakes fail, or end at once although there is work, is tried again after a pause that doubles.
 * K3  Queues that cannot be read change nothing: what is held is held.
 * K4  Hints that come fast share a look: one looks at once, the next ones `GAP_MS` after it.
 */
import type { Logger } from "#core/ports/log.ts";
import type { Meters, Reading } from "#core/ports/meters.ts";
import { type Backlog, type FireHint, type FireHints, StoreUnavailable, type WakeHints } from "#core/ports/record.ts";
import type { HoldOutcome } from "#platform/http/hold.ts";
import { sleep } from "#platform/process/sleep.ts";
import type { PoolPlan } from "./plan.ts";

type Load = Awaited<ReturnType<Backlog["read"]>>;

export type WakerDeps = {
  readonly backlog: Backlog;
  readonly hints: WakeHints;
  readonly fires: Pick<FireHints, "watch">;
  /** `fires`: those hinted at since the last look. */
  readonly plan: (load: Load, fires: readonly FireHint[]) => readonly PoolPlan[];
  readonly hold: (url: string, signal: AbortSignal) => Promise<HoldOutcome>;
  /** What was read last, for statuses. */
  readonly onLoad: (load: Load) => void;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly meters: Pick<Meters, "observe">;
  readonly log: Logger;
  readonly everyMs?: number;
  readonly backoffMs?: { readonly first: number; readonly most: number };
};

const EVERY_MS = 2_000;
const GAP_MS = 50;
/** Between two looks; more say nothing that the queues do not say soon. */
const MOST_FIRES = 1_000;
const BACKOFF_MS = { first: 500, most: 30_000 } as const;
/** A wake with work to do lasts longer than this. */
const SHORT_MS = 1_000;

type Pool = { readonly open: Set<AbortController>; failures: number; notBefore: number };

/** Until `signal`; resolves when no wake is open. */
export async function wake(deps: WakerDeps, signal: AbortSignal): Promise<void> {
  await new Waker(deps, signal).run();
}

class Waker {
  readonly #deps: WakerDeps;
  readonly #signal: AbortSignal;
  readonly #pools = new Map<string, Pool>();
  readonly #holds = new Set<Promise<void>>();
  #hint = newHint();
  #fires: FireHint[] = [];

  constructor(deps: WakerDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { hints, fires, meters } = this.#deps;
    using _told = meters.observe("ark.wake.held", () => this.#held());
    const listening = Promise.all([
      this.#listen(hints, () => this.#hint.give()),
      this.#listen(fires, (fire) => {
        if (this.#fires.length < MOST_FIRES) this.#fires.push(fire);
        this.#hint.give();
      }),
    ]);
    while (!this.#signal.aborted) {
      this.#hint = newHint();
      const gap = this.#pause(GAP_MS);
      await this.#look();
      await Promise.race([this.#hint.given, this.#pause(this.#deps.everyMs ?? EVERY_MS)]);
      await gap;
    }
    await listening;
    await Promise.all(this.#holds);
  }

  /** Also of pools that sleep. Those that all share have no namespace. */
  *#held(): Generator<Reading<"ark.wake.held">> {
    for (const [key, { open }] of this.#pools) {
      const [namespace, agent] = key.includes("/") ? key.split("/") : [undefined, key];
      yield { value: open.size, attributes: { "ark.namespace": namespace, "ark.agent": agent } };
    }
  }

  async #listen<T>(to: { watch(signal: AbortSignal): AsyncIterable<T> }, heard: (hint: T) => void): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        for await (const hint of to.watch(this.#signal)) heard(hint);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      await this.#pause(this.#deps.everyMs ?? EVERY_MS);
    }
  }

  async #look(): Promise<void> {
    try {
      const load = await this.#deps.backlog.read();
      this.#deps.onLoad(load);
      const plans = this.#deps.plan(load, this.#fires.splice(0));
      for (const plan of plans) this.#adjust(plan);
      this.#forget(new Set(plans.map(({ key }) => key)));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#deps.log.warn({ err: error }, "queues cannot be read");
    }
  }

  /** K1. */
  #adjust({ key, url, want }: PoolPlan): void {
    const pool = this.#pools.get(key) ?? { open: new Set(), failures: 0, notBefore: 0 };
    this.#pools.set(key, pool);
    if (performance.now() < pool.notBefore) return;
    while (pool.open.size < want) this.#open(key, url, pool);
  }

  /** W2: pools that are planned no more. */
  #forget(planned: ReadonlySet<string>): void {
    for (const [key, pool] of this.#pools) {
      if (planned.has(key)) continue;
      for (const one of pool.open) one.abort();
      this.#pools.delete(key);
    }
  }

  #open(key: string, url: string, pool: Pool): void {
    const stop = new AbortController();
    pool.open.add(stop);
    const began = performance.now();
    const holding = this.#deps
      .hold(url, AbortSignal.any([stop.signal, this.#signal]))
      .then((outcome) => {
        pool.open.delete(stop);
        if (!stop.signal.aborted && !this.#signal.aborted) this.#ended(key, pool, outcome, performance.now() - began);
      })
      .finally(() => this.#holds.delete(holding));
    this.#holds.add(holding);
  }

  /** K2. */
  #ended(key: string, pool: Pool, outcome: HoldOutcome, lastedMs: number): void {
    if (outcome.kind === "ended" && lastedMs >= SHORT_MS) {
      pool.failures = 0;
      return;
    }
    const { random, log, backoffMs = BACKOFF_MS } = this.#deps;
    if (performance.now() < pool.notBefore) return;
    pool.failures += 1;
    const pause = Math.min(backoffMs.first * 2 ** (pool.failures - 1), backoffMs.most);
    pool.notBefore = performance.now() + pause / 2 + (pause / 2) * random();
    const reason = outcome.kind === "failed" ? outcome.reason : "ended at once";
    log.warn({ pool: key, reason, failures: pool.failures }, "wake not held");
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, this.#signal);
  }
}

function newHint(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}
