/** What the collector needs of the world: one record, built in `main.ts`, in `local/` and in tests. */
import type { Sleep } from "#core/agent/ports.ts";
import type { Locks, Outbox } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { RunStatusSink } from "#core/ports/objects.ts";
import type { FactLog, Leases, Outputs, RunStates, TaskQueue, Timers, Wakes } from "#core/ports/record.ts";
import type { Spans } from "#core/ports/spans.ts";
import type { Graphs } from "./graphs.ts";
import type { RunCache } from "./run-cache.ts";
import type { StatusWriter } from "./status.ts";

export type CollectorPorts = {
  readonly facts: FactLog;
  readonly states: RunStates;
  readonly tasks: TaskQueue;
  readonly leases: Leases;
  readonly outputs: Outputs;
  readonly timers: Timers;
  readonly outbox: Outbox;
  readonly locks: Locks;
  readonly wakes: Wakes;
  readonly status: RunStatusSink;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 ≤ x < 1; spreads retries. */
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly spans: Spans;
  readonly meters: Meters;
  readonly log: Logger;
};

/** The ports, and what one collector process remembers between facts. */
export type CollectorDeps = CollectorPorts & {
  readonly cache: RunCache;
  readonly graphs: Graphs;
  readonly writer: StatusWriter;
};
