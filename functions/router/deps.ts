/** What the router needs of the world: one record, built in `main.ts`, in `local/` and in tests. */
import type { Sleep } from "#core/agent/ports.ts";
import type { Idempotency, Outbox } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import type { FactLog, Outputs, RunStates, Wakes } from "#core/ports/record.ts";
import type { Instances, Services } from "#core/ports/services.ts";
import type { Spans } from "#core/ports/spans.ts";
import type { A2aServer } from "#platform/a2a/server.ts";
import type { RateLimit } from "#platform/http/exchange.ts";

export type RouterDeps = {
  readonly services: Pick<Services, "get">;
  readonly instances: Instances;
  readonly outbox: Pick<Outbox, "publish">;
  readonly idempotency: Idempotency;
  readonly states: Pick<RunStates, "get" | "watch">;
  readonly facts: Pick<FactLog, "publish">;
  readonly outputs: Pick<Outputs, "load">;
  readonly wakes: Wakes;
  readonly a2a: A2aServer;
  /** Before authentication: all requests together, and those of one service. */
  readonly rate: { readonly total: RateLimit; readonly perService: RateLimit };
  /** Whether an `Authorization` header carries the token of `digest`, in constant time. */
  readonly authorized: (header: string | undefined, digest: string | undefined) => boolean;
  /** How long a task waits for an instance to wake, where none was ready. */
  readonly wakeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Never the same twice. */
  readonly newId: () => string;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly spans: Spans;
  readonly log: Logger;
};
