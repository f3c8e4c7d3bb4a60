/** The door of this folder: one connection, and every port of the record on it. A port that nobody uses costs nothing. */
import { type Guest, inboxOf } from "#core/events/guests.ts";
import type {
  DeadLetters,
  FireTallies,
  Idempotency,
  Locks,
  Outbox,
  Replay,
  Replays,
  Starts,
  Triggers,
} from "#core/ports/events.ts";
import type { ProbeAnswers, Probes } from "#core/ports/probes.ts";
import type { Announcements, HandOver, Instances, Services } from "#core/ports/services.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { Objects } from "#core/ports/objects.ts";
import type {
  Backlog,
  Budgets,
  FactLog,
  FireHints,
  Leases,
  Outputs,
  Reaper,
  RunStates,
  TaskQueue,
  TaskQueues,
  Timers,
  TokenFeed,
  UsageTally,
  WakeAsks,
  WakeHints,
  Wakes,
} from "#core/ports/record.ts";
import { backlog } from "./backlog.ts";
import { budgets } from "./budgets.ts";
import { connectNats, type ConnectOptions } from "./connect.ts";
import { deadLetters } from "./dead-letters.ts";
import { factLog } from "./fact-log.ts";
import { fireHints } from "./fire-hints.ts";
import { handOver } from "./hand-over.ts";
import { idempotency } from "./idempotency.ts";
import { instances } from "./instances.ts";
import { leases } from "./leases.ts";
import { closeLink, isConnected, openLink, type Link } from "./link.ts";
import { locks } from "./locks.ts";
import { starts } from "./starts.ts";
import { objects } from "./objects.ts";
import { outbox } from "./outbox.ts";
import { outputs } from "./outputs.ts";
import { probes } from "./probes.ts";
import { provision, type Provisioned } from "./provision.ts";
import { reaper } from "./reaper.ts";
import { replays } from "./replays.ts";
import { runStates } from "./run-states.ts";
import { services } from "./services.ts";
import type { Sizing } from "./streams.ts";
import { tallies } from "./tallies.ts";
import { taskQueue } from "./task-queue.ts";
import { taskQueues } from "./task-queues.ts";
import { timers } from "./timers.ts";
import { tokenFeed } from "./token-feed.ts";
import { toolServers } from "./tool-servers.ts";
import { triggers } from "./triggers.ts";
import { usageTally } from "./usage.ts";
import { wakes } from "./wakes.ts";

export type JetStreamOptions = ConnectOptions & {
  readonly requestTimeoutMs?: number;
  readonly leaseTtlMs?: number;
  readonly taskAckWaitMs?: number;
  /** An executor or a router with a user of its own: what it needs was made by others. */
  readonly guest?: Guest | undefined;
  readonly meters?: Meters;
};

/** Ports of the record: what happened, what is to be done, who does it. */
type RecordPorts = {
  readonly factLog: FactLog;
  readonly tasks: TaskQueue;
  readonly taskQueues: TaskQueues;
  readonly leases: Leases;
  readonly runStates: RunStates;
  readonly outputs: Outputs;
  readonly timers: Timers;
  readonly budgets: Budgets;
  readonly usage: UsageTally;
  readonly probes: Probes & ProbeAnswers;
  readonly toolServers: ToolServers;
  readonly wakes: Wakes & WakeAsks & WakeHints;
  readonly fireHints: FireHints;
  readonly tokens: TokenFeed;
  readonly reaper: Reaper;
  readonly backlog: Backlog;
  readonly instances: Instances & Announcements;
  readonly handOver: HandOver;
};

/** Ports of events on their way in, and of the objects of local mode. */
type EventPorts = {
  readonly outbox: Outbox;
  readonly triggers: Triggers;
  readonly services: Services;
  readonly tallies: FireTallies;
  readonly idempotency: Idempotency;
  readonly locks: Locks;
  readonly starts: Starts;
  readonly deadLetters: DeadLetters & Replay;
  readonly replays: Replays;
  readonly objects: Objects;
};

export type JetStream = AsyncDisposable &
  RecordPorts &
  EventPorts & {
    /** Creates or upgrades all streams and buckets; repeatable. */
    provision(sizing?: Sizing): Promise<Provisioned>;
    /** For readiness. Never rejects. */
    isConnected(): boolean;
    /** Sends what is buffered, ends all subscriptions, closes; bounded in time, repeatable. */
    close(): Promise<void>;
  };

/** Throws ArkError: `nats.unreachable`, `nats.too_old`, `interrupted`. */
export async function openJetStream(options: JetStreamOptions): Promise<JetStream> {
  const { guest, requestTimeoutMs: timeoutMs, meters } = options;
  const connected = await connectNats(guest === undefined ? options : { ...options, inbox: inboxOf(guest) });
  const link = await openLink(connected, { timeoutMs, isGuest: guest !== undefined, meters });
  const close = () => closeLink(link);
  return {
    ...recordPorts(link, options),
    ...eventPorts(link),
    provision: (sizing) => provision(link, sizing),
    isConnected: () => isConnected(link),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function recordPorts(link: Link, options: JetStreamOptions): RecordPorts {
  const log = factLog(link);
  const texts = outputs(link);
  const leased = leases(link, { ttlMs: options.leaseTtlMs });
  return {
    factLog: log,
    tasks: taskQueue(link, { ackWaitMs: options.taskAckWaitMs }),
    taskQueues: taskQueues(link, { factLog: log, leases: leased, ackWaitMs: options.taskAckWaitMs }),
    leases: leased,
    runStates: runStates(link, texts.keep),
    outputs: texts,
    timers: timers(link),
    budgets: budgets(link),
    usage: usageTally(link),
    probes: probes(link, { turnMs: options.leaseTtlMs }),
    toolServers: toolServers(link),
    wakes: wakes(link),
    fireHints: fireHints(link),
    tokens: tokenFeed(link),
    backlog: backlog(link),
    instances: instances(link),
    handOver: handOver(link),
    reaper: reaper(link, { factLog: log, deadLetters: deadLetters(link) }),
  };
}

function eventPorts(link: Link): EventPorts {
  return {
    outbox: outbox(link),
    triggers: triggers(link),
    services: services(link),
    tallies: tallies(link),
    idempotency: idempotency(link),
    locks: locks(link),
    starts: starts(link),
    deadLetters: deadLetters(link),
    replays: replays(link),
    objects: objects(link),
  };
}
