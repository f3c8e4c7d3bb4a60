/**
 * The streams and buckets of design 3, as data. Every one has an age or a size, most have both: nothing grows for ever
 * (D10, E21). Where a full stream would lose what was accepted, it refuses the new message instead.
 */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { nanos, type WithRequired } from "@nats-io/transport-node";
import { BUCKETS, STREAMS } from "#core/events/subjects.ts";

export type StreamSpec = WithRequired<Partial<StreamConfig>, "name">;
export type Sizing = {
  /** Disk for all streams together. The server sets aside the shares of all but the facts. */
  readonly storageBytes?: number;
  readonly replicas?: number;
  /** How long a fact or an event is left with a reader that says nothing of it. */
  readonly ackWaitMs?: number;
};

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Above this, a repeated publish is told apart by revisions and by the fold, not by its message id. */
const DEDUPE_WINDOW_MS = 10 * MINUTE_MS;
export const RECORD_AGE_MS = 90 * DAY_MS;
/** A text that is stored once more after this is renewed: it outlasts the record of whoever stored it last. */
export const OUTPUT_RENEWED_MS = 10 * DAY_MS;
const IDEMPOTENCY_MS = DAY_MS;
/** Each says of itself how long it stands; this ends what a stopped clock would leave. */
const INSTANCES_MS = MINUTE_MS;

const GIBIBYTE = 1024 ** 3;
const DEFAULT_STORAGE_BYTES = 8 * GIBIBYTE;

/** Percent of `storageBytes`; the rest is for the facts. */
const SHARE = {
  [STREAMS.tasks]: 6,
  [STREAMS.events]: 6,
  [STREAMS.dlq]: 3,
  [BUCKETS.outputs]: 22,
  [BUCKETS.runs]: 9,
  [BUCKETS.objects]: 6,
  [BUCKETS.idempotency]: 2,
  [BUCKETS.leases]: 1,
  [BUCKETS.triggers]: 1,
  [BUCKETS.budgets]: 1,
  [BUCKETS.locks]: 1,
  [BUCKETS.instances]: 1,
} as const;

export function streamTable(sizing: Sizing = {}): readonly StreamSpec[] {
  const bytes = (name: keyof typeof SHARE) =>
    Math.floor(((sizing.storageBytes ?? DEFAULT_STORAGE_BYTES) * SHARE[name]) / 100);
  const common = {
    storage: StorageType.File,
    allow_direct: true,
    ...(sizing.replicas === undefined ? {} : { num_replicas: sizing.replicas }),
  } as const;
  return [...messageStreams(common, bytes), ...buckets(common, bytes), outputStore(common, bytes)];
}

const FACTS = "ark.facts.>";
const TIMERS = "ark.timers.>";
const FIRED_FACT = "ark.facts.{{wildcard(1)}}.{{wildcard(2)}}.timer";

/** A record that was begun with its timers in it keeps them: no server takes schedules out of a stream (V2). */
export function withTimersInFacts(table: readonly StreamSpec[]): readonly StreamSpec[] {
  return table.flatMap(({ sources, ...spec }) => {
    if (spec.name === STREAMS.timers) return [];
    if (spec.name !== STREAMS.facts) return [{ ...spec, ...(sources !== undefined && { sources }) }];
    return [{ ...spec, subjects: [FACTS, TIMERS], allow_msg_schedules: true, allow_rollup_hdrs: true }];
  });
}

export function hasTimers({ subjects = [] }: { readonly subjects?: readonly string[] }): boolean {
  return subjects.includes(TIMERS);
}

type Common = Partial<StreamConfig>;
type Bytes = (name: keyof typeof SHARE) => number;

function messageStreams(common: Common, bytes: Bytes): StreamSpec[] {
  return [
    {
      ...common,
      name: STREAMS.timers,
      description: "Timers of runs, until they have fired",
      subjects: [TIMERS, "ark.fired.>"],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: -1,
      max_age: nanos(RECORD_AGE_MS),
      allow_msg_schedules: true,
      // Replacing a schedule rolls its subject up.
      allow_rollup_hdrs: true,
      allow_msg_ttl: true,
    },
    {
      ...common,
      name: STREAMS.facts,
      description: "Facts of runs: the record",
      subjects: [FACTS],
      // Not in here: who may publish one fact could schedule any other, or roll all of them up into it.
      sources: [{ name: STREAMS.timers, subject_transforms: [{ src: "ark.fired.*.*", dest: FIRED_FACT }] }],
      retention: RetentionPolicy.Limits,
      // A size limit would drop facts of living runs: the record takes what the account's storage leaves, and the
      // server refuses new facts when that is used up.
      discard: DiscardPolicy.Old,
      max_bytes: -1,
      max_age: nanos(RECORD_AGE_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.tasks,
      description: "Attempts of steps, waiting for an executor",
      subjects: ["ark.tasks.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: bytes(STREAMS.tasks),
      max_age: nanos(30 * DAY_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.events,
      description: "The outbox: accepted events until they are confirmed",
      subjects: ["ark.events.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: bytes(STREAMS.events),
      max_age: nanos(30 * DAY_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
    },
    {
      ...common,
      name: STREAMS.dlq,
      description: "What could not be dispatched or carried out, with its reason",
      subjects: ["ark.dlq.>"],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: bytes(STREAMS.dlq),
      max_age: nanos(30 * DAY_MS),
      duplicate_window: nanos(DEDUPE_WINDOW_MS),
    },
  ];
}

function buckets(common: Common, bytes: Bytes): StreamSpec[] {
  const bucket = (name: keyof typeof SHARE, maxAgeMs: number): StreamSpec => ({
    ...common,
    name: bucketStream(name),
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    max_bytes: bytes(name),
    max_age: nanos(maxAgeMs),
    // One message that rolls all others up would empty the bucket: whoever may write one key could.
    allow_rollup_hdrs: false,
    deny_delete: true,
    allow_msg_ttl: true,
  });
  return [
    bucket(BUCKETS.runs, 0),
    bucket(BUCKETS.leases, 0),
    bucket(BUCKETS.triggers, 0),
    bucket(BUCKETS.budgets, 0),
    bucket(BUCKETS.locks, 0),
    bucket(BUCKETS.objects, 0),
    bucket(BUCKETS.instances, INSTANCES_MS),
    bucket(BUCKETS.idempotency, IDEMPOTENCY_MS),
  ];
}

function outputStore(common: Common, bytes: Bytes): StreamSpec {
  return {
    ...common,
    name: outputStream(),
    subjects: [`$O.${BUCKETS.outputs}.C.>`, `$O.${BUCKETS.outputs}.M.>`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    max_bytes: bytes(BUCKETS.outputs),
    max_age: nanos(RECORD_AGE_MS + OUTPUT_RENEWED_MS),
    allow_rollup_hdrs: false,
  };
}

/** The stream behind the texts of steps. */
export function outputStream(): string {
  return `OBJ_${BUCKETS.outputs}`;
}

/** The stream behind a KV bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}
