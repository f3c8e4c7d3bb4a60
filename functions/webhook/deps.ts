/** What the webhook function needs of the world: one record, built in `main.ts`, in `local/` and in tests. */
import type { Sleep } from "#core/agent/ports.ts";
import type { Idempotency, Locks, Outbox, Triggers } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { FactLog, Outputs, RunStates, TokenFeed } from "#core/ports/record.ts";
import type { Spans } from "#core/ports/spans.ts";
import type { ParsedEvents } from "#platform/http/cloud-events.ts";
import type { RateLimit } from "#platform/http/exchange.ts";

export type WebhookDeps = {
  readonly triggers: Pick<Triggers, "get">;
  readonly outbox: Pick<Outbox, "publish" | "confirm">;
  readonly idempotency: Idempotency;
  readonly locks: Locks;
  readonly states: Pick<RunStates, "get" | "watch">;
  readonly facts: Pick<FactLog, "watch" | "history">;
  readonly tokens: Pick<TokenFeed, "watch">;
  readonly outputs: Pick<Outputs, "load">;
  /** Before authentication: all requests together, and those of one event. */
  readonly rate: { readonly total: RateLimit; readonly perEvent: RateLimit };
  /** Whether an `Authorization` header carries the token of `digest`, in constant time. */
  readonly authorized: (header: string | undefined, digest: string | undefined) => boolean;
  readonly parseCloudEvents: (headers: Readonly<Record<string, string>>, body: string) => ParsedEvents;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Never the same twice. */
  readonly newId: () => string;
  readonly sleep: Sleep;
  readonly spans: Spans;
  readonly meters: Pick<Meters, "add">;
  readonly log: Logger;
};
