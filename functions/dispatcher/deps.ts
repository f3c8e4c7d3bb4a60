/** What the dispatcher needs of the world: one record, built in `main.ts`, in `local/` and in tests. */
import type { DeadLetters, Locks, Outbox, Starts } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { FactLog, FireHints, Outputs, RunStates } from "#core/ports/record.ts";
import type { Spans } from "#core/ports/spans.ts";

/** What became of one fire; whoever writes the status of ArkEvents counts it (D35). */
export type FireRecord = {
  readonly namespace: string;
  readonly event: string;
  readonly uid: string;
  /** The same fire has the same key, also when it is told twice. */
  readonly key: string;
  readonly firedAt: number;
  /** `failed`: a target could not be started; it is tried again. */
  readonly outcome: "fired" | "skipped" | "failed" | "dead-lettered";
  /** Suspended, ConcurrencyForbidden, TeamNotFound, HopLimit … */
  readonly reason?: string;
  readonly message?: string;
  readonly runs: readonly string[];
  /** How many of `runs` did not exist before: 0 where the fire was delivered a second time. */
  readonly created: number;
};

export type DispatcherDeps = {
  readonly objects: Pick<Objects, "get" | "create" | "update">;
  readonly facts: Pick<FactLog, "publish">;
  readonly states: Pick<RunStates, "get">;
  readonly outputs: Pick<Outputs, "load">;
  readonly locks: Locks;
  readonly starts: Starts;
  /** Of each new ArkRun, where an operator is there who takes them away. */
  readonly finalizers?: readonly string[];
  readonly outbox: Pick<Outbox, "confirm">;
  readonly fireHints: Pick<FireHints, "send">;
  readonly deadLetters: Pick<DeadLetters, "store">;
  readonly recordFire: (fire: FireRecord) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly spans: Spans;
  readonly meters: Meters;
  readonly log: Logger;
};
