/**
 * The collector at work: takes facts of all runs, keeps the order of each run, lets runs pass one another.
 *
 * K5  Stopping takes no new fact, finishes those in hand and shows what is not shown yet (D7).
 */
import { type Delivery, StoreUnavailable, type StoredFact } from "#core/ports/record.ts";
import type { CollectorDeps, CollectorPorts } from "./deps.ts";
import { createGraphs } from "./graphs.ts";
import { handleFacts } from "./handler.ts";
import { createLanes, type Lanes, type Patience } from "./lanes.ts";
import { keyOf } from "./load.ts";
import { retrying } from "#core/ports/retrying.ts";
import { createRunCache } from "./run-cache.ts";
import { createStatusWriter } from "./status.ts";

export type CollectorOptions = {
  /** Facts delivered and not acknowledged yet. */
  readonly maxPending?: number;
  readonly statusEveryMs?: number;
  readonly cacheBytes?: number;
};

const MAX_PENDING = 512;
const STATUS_EVERY_MS = 250;
const STATUS_OWED_MS = 10_000;
const CACHE_BYTES = 48 * 1024 * 1024;
const MAX_BATCH = 32;
const GRAPHS = 64;
/** Nobody waits for these two: a short step's state is written once, not three times. */
const PATIENCE: Patience<Delivery<StoredFact>> = {
  canWait: ({ value }) => value.fact.kind === "step.started" || value.fact.kind === "step.turn",
  ms: 50,
};

export type Collector = {
  readonly deps: CollectorDeps;
  /** Milliseconds for which no fact came; 0 while facts are at work. */
  idleMs(): number;
  /** Until `signal`; resolves once nothing is in hand. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
};

export function createCollector(ports: CollectorPorts, options: CollectorOptions = {}): Collector {
  const deps: CollectorDeps = {
    ...ports,
    cache: createRunCache(options.cacheBytes ?? CACHE_BYTES),
    graphs: createGraphs(GRAPHS),
    writer: createStatusWriter({
      sink: ports.status,
      timers: ports.timers,
      now: ports.now,
      log: ports.log,
      everyMs: options.statusEveryMs ?? STATUS_EVERY_MS,
      owedMs: STATUS_OWED_MS,
    }),
  };
  const maxPending = options.maxPending ?? MAX_PENDING;
  let lanes: Lanes<Delivery<StoredFact>> | undefined;
  let newestAt = ports.now();

  const take = async (into: Lanes<Delivery<StoredFact>>, signal: AbortSignal): Promise<void> => {
    for await (const delivery of ports.facts.consume({ maxPending, signal })) {
      newestAt = ports.now();
      into.push(keyOf(delivery.value), delivery);
    }
    // The server may end a subscription by itself (a deleted consumer, a lost leader): that is a store away.
    if (!signal.aborted) throw new StoreUnavailable("the facts ended");
  };

  return {
    deps,
    idleMs: () => (lanes !== undefined && lanes.active > 0 ? 0 : ports.now() - newestAt),
    async run(signal) {
      const current = createLanes<Delivery<StoredFact>>(
        (_run, batch) => handleFacts(batch, deps, signal),
        MAX_BATCH,
        PATIENCE,
      );
      lanes = current;
      newestAt = ports.now();
      const outcome = await retrying(() => take(current, signal), ports, signal);
      if (outcome.kind === "failed") ports.log.error({ err: outcome.error }, "facts cannot be consumed");
      await current.idle();
      await deps.writer.flush();
    },
  };
}
