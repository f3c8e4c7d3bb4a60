/** The door of this folder: one connection, and every port of the record on it. A port that nobody uses costs nothing. */
import type { FactLog, Leases, Outputs, RunStates, TaskQueue, Timers } from "#core/ports/record.ts";
import { connectNats, type ConnectOptions } from "./connect.ts";
import { factLog } from "./fact-log.ts";
import { leases } from "./leases.ts";
import { closeLink, isConnected, openLink } from "./link.ts";
import { outputs } from "./outputs.ts";
import { provision } from "./provision.ts";
import { runStates } from "./run-states.ts";
import type { Sizing } from "./streams.ts";
import { taskQueue } from "./task-queue.ts";
import { timers } from "./timers.ts";

export type JetStreamOptions = ConnectOptions & {
  readonly requestTimeoutMs?: number;
  readonly leaseTtlMs?: number;
  readonly taskAckWaitMs?: number;
};

export type JetStream = AsyncDisposable & {
  readonly factLog: FactLog;
  readonly tasks: TaskQueue;
  readonly leases: Leases;
  readonly runStates: RunStates;
  readonly outputs: Outputs;
  readonly timers: Timers;
  /** Creates or upgrades all streams and buckets; repeatable. */
  provision(sizing?: Sizing): Promise<void>;
  /** For readiness. Never rejects. */
  isConnected(): boolean;
  /** Sends what is buffered, ends all subscriptions, closes; bounded in time, repeatable. */
  close(): Promise<void>;
};

/** Throws ArkError: `nats.unreachable`, `nats.too_old`, `interrupted`. */
export async function openJetStream(options: JetStreamOptions): Promise<JetStream> {
  const link = await openLink(await connectNats(options), options.requestTimeoutMs);
  const close = () => closeLink(link);
  return {
    factLog: factLog(link),
    tasks: taskQueue(link, { ackWaitMs: options.taskAckWaitMs }),
    leases: leases(link, { ttlMs: options.leaseTtlMs }),
    runStates: runStates(link),
    outputs: outputs(link),
    timers: timers(link),
    provision: (sizing) => provision(link, sizing),
    isConnected: () => isConnected(link),
    close,
    [Symbol.asyncDispose]: close,
  };
}
