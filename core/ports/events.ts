/** Ports of events on their way in: what the webhook must know, the outbox, idempotency, the Forbid claim. */
import type { InputSpec } from "#core/api/v1alpha1/ark-team.ts";
import type { Delivery } from "./record.ts";

/** CloudEvents 1.0 attributes and data as Ark carries them; `core/events` holds plain types only. */
export type CloudEventRecord = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly data?: unknown;
  /** Extension attributes: lower-case names, e.g. arkevent, arknamespace, arkteam, traceparent. */
  readonly extensions: Readonly<Record<string, string | number | boolean>>;
};

/** What the webhook must know of an ArkEvent without asking the API server; key `<ns>.<event>` in `ark-triggers`. */
export type TriggerRecord = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly type: "webhook" | "cron" | "team-output" | "cloudevent";
  /** `sha256:<hex>` of the bearer token. */
  readonly tokenDigest?: string;
  readonly suspended: boolean;
  readonly concurrencyPolicy: "Allow" | "Forbid";
  readonly targets: readonly {
    readonly team?: string;
    readonly agent?: string;
    readonly hasInput: boolean;
    /** Declared inputs of the team, with `input` defaults' keys, so that bad input is refused at the door. */
    readonly inputs?: readonly InputSpec[];
    readonly defaults?: readonly string[];
  }[];
};

export interface Triggers {
  get(namespace: string, name: string): Promise<TriggerRecord | undefined>;
  put(record: TriggerRecord): Promise<void>;
  delete(namespace: string, name: string): Promise<void>;
}

/** How often an ArkEvent fired: what its status shows, kept where a restart does not lose it (D35). */
export type FireTally = {
  /** Of the ArkEvent: another one of the same name begins at 0. */
  readonly uid: string;
  readonly count: number;
  /** RFC 3339. */
  readonly lastFiredAt?: string;
  /** The fires that are counted and whose runs are still there. */
  readonly keys: readonly string[];
  /** Cron: ticks up to here, in milliseconds since the epoch, are looked at. */
  readonly ticksUntil?: number;
};

export interface FireTallies {
  get(namespace: string, event: string): Promise<{ readonly tally: FireTally; readonly revision: number } | undefined>;
  /** `conflict` when `revision` (0: absent) is not the stored one. */
  put(namespace: string, event: string, tally: FireTally, revision: number): Promise<"stored" | "conflict">;
  delete(namespace: string, event: string): Promise<void>;
}

/** An accepted event on its way to the dispatcher (P1). */
export type AcceptedEvent = {
  readonly namespace: string;
  readonly event: string;
  /** Names the fire: idempotency key, CloudEvent source+id, or cron tick; run names derive from it. */
  readonly key: string;
  readonly cloudEvent: CloudEventRecord;
  readonly firedAt: number;
};

export interface Outbox {
  /** Stored when it resolves. Message id: event uid and key. */
  publish(
    event: AcceptedEvent,
    eventUid: string,
  ): Promise<{ readonly kind: "stored" | "duplicate"; readonly seq: number }>;
  /** Events waiting to be delivered; a settled one is gone. */
  consume(options: {
    readonly maxPending: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<Delivery<AcceptedEvent>>;
  /**
   * Delivered, never to be posted again. With `cloudEventId` only where the entry holds that event: the sequence came
   * with the event itself, and whoever may send events could have made it up.
   */
  confirm(seq: number, cloudEventId?: string): Promise<void>;
  /** Of an ArkEvent that is gone: nobody would ever confirm what waits. */
  purge(namespace: string, event: string): Promise<void>;
}

/** Remembered for 24 h: the same key and body give the same runs (api 13). */
export type Remembered = {
  readonly bodyDigest: string;
  readonly firedAt: number;
  readonly runs: readonly string[];
  readonly stored: boolean;
};
/** An id begins with the namespace that it is of, and a dot. */
export interface Idempotency {
  get(id: string): Promise<Remembered | undefined>;
  claim(
    id: string,
    value: Remembered,
  ): Promise<{ readonly kind: "claimed" } | { readonly kind: "known"; readonly value: Remembered }>;
  markStored(id: string, value: Remembered): Promise<void>;
}

/** Forbid: one atomic claim per ArkEvent, held until the runs of that fire have ended (D47). */
export interface Locks {
  claim(id: string, holder: string, runs: readonly string[]): Promise<"claimed" | "mine" | "held">;
  holder(id: string): Promise<{ readonly holder: string; readonly runs: readonly string[] } | undefined>;
  /** Removes `run` from the claim; the last one frees it. */
  release(id: string, run: string): Promise<void>;
}

/** Dead letters: what could not be dispatched or carried out, with its reason. */
export interface DeadLetters {
  /** `name`: of the ArkEvent, or of the agent whose task it was. */
  store(
    entry: {
      readonly of: "event" | "task";
      readonly namespace: string;
      readonly name: string;
      readonly reason: string;
      readonly message: string;
      readonly original: unknown;
      readonly at: number;
    },
    id: string,
  ): Promise<void>;
  list(
    namespace: string,
    name?: string,
  ): Promise<
    readonly {
      readonly seq: number;
      readonly reason: string;
      readonly message: string;
      readonly original: unknown;
      readonly at: number;
    }[]
  >;
}

/** The way back of dead letters that are events. A task has none: its step has failed long ago. */
export interface Replay {
  /**
   * How many events of each ArkEvent and how many tasks of each agent were given up, by `<namespace>/<name>`, and the
   * sequence of the newest dead letter of all.
   */
  census(): Promise<{
    readonly counts: ReadonlyMap<string, number>;
    readonly tasks: ReadonlyMap<string, number>;
    readonly newest: number;
  }>;
  /**
   * Sends an ArkEvent's dead letters up to sequence `upTo` on their way again, for it alone, and takes each away once
   * it is in the outbox, `most` of them; `left`: of those that `isWanted` refuses. Twice is harmless.
   */
  replay(
    of: { readonly namespace: string; readonly event: string },
    upTo: number,
    isWanted: (event: CloudEventRecord) => boolean,
    most?: number,
  ): Promise<{
    readonly sent: number;
    readonly left: number;
    /** Where the newest stands in the outbox. */
    readonly last?: number;
  }>;
  /** Whether runs hold the ArkEvent's claim (Forbid), or what was sent to `last` in the outbox is still on its way. */
  isBusy(of: { readonly namespace: string; readonly event: string }, last: number | undefined): Promise<boolean>;
}

/** A request to replay, remembered so that each is carried out once (core/reconcile/replay.ts). */
export type ReplayRecord = {
  /** Of the ArkEvent: another one of the same name has asked for nothing yet. */
  readonly uid: string;
  /** Value of the annotation. */
  readonly requested: string;
  /** Sequence of the newest dead letter when the request was seen. */
  readonly upTo: number;
  readonly done: boolean;
  /** How many have gone, where they go one at a time. */
  readonly sent?: number;
  /** Where the newest of them stood in the outbox. */
  readonly last?: number;
};

export interface Replays {
  get(
    namespace: string,
    event: string,
  ): Promise<{ readonly record: ReplayRecord; readonly revision: number } | undefined>;
  /** `conflict` when `revision` (0: absent) is not the stored one. */
  put(namespace: string, event: string, record: ReplayRecord, revision: number): Promise<"stored" | "conflict">;
  delete(namespace: string, event: string): Promise<void>;
}

/** Runs that were started lately: one that has been let go since must not start again when its fire comes late (P1). */
export interface Starts {
  has(run: { readonly namespace: string; readonly name: string }): Promise<boolean>;
  /** Remembered for longer than a Broker, the outbox or a queue may take to deliver again. */
  add(run: { readonly namespace: string; readonly name: string }): Promise<void>;
}
