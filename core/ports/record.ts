/**
 * Ports onto the record: facts, tasks, leases, run states, outputs, timers. Implemented by `platform/jetstream`;
 * an unreachable server is an exception of the adapter (class `StoreUnavailable`), everything expected is a value.
 */
import type { AttemptKey, Fact, Usage } from "#core/events/facts.ts";
import type { BudgetRef } from "#core/events/budget.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Text } from "#core/events/text.ts";
import type { RunState } from "#core/pipeline/state.ts";

/** Whatever belongs to a namespace. */
export type Home = { readonly namespace: string };
export type RunName = { readonly namespace: string; readonly run: string };
export type RunRef = RunName & { readonly uid: string };

/** Thrown by adapters while the store cannot be reached: nothing is lost, the caller backs off and comes again (P8). */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** Thrown by `Outputs.load`: the text is not there, or is not what was stored. Trying again does not bring it back. */
export class OutputLost extends Error {
  override readonly name = "OutputLost";
}

export type StoredFact = RunRef & { readonly seq: number; readonly fact: Fact };

/** One delivered message that must be settled exactly once; the effect is stored before `ack` (habit 14). */
export interface Delivery<T> {
  readonly value: T;
  readonly seq: number;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** Confirmed by the server when it resolves. */
  ack(): Promise<void>;
  nak(delayMs?: number): void;
  /** Heartbeat: the acknowledgement wait starts again. */
  working(): void;
}

export interface FactLog {
  /** `duplicate` when a fact of this id is stored already, inside the server's window (F1). */
  publish(run: RunRef, fact: Fact): Promise<{ readonly kind: "stored" | "duplicate"; readonly seq: number }>;
  /** The recorded result of an attempt, or undefined. */
  finished(run: RunName, key: AttemptKey): Promise<StoredFact | undefined>;
  /** Recorded turns of an attempt in order. */
  turns(run: RunName, key: AttemptKey): Promise<readonly StoredFact[]>;
  /** All facts of a run in order of sequence, up to now; ends by itself. */
  history(run: RunName): AsyncIterable<StoredFact>;
  /** Facts of a run from `fromSeq` on (default: the first), then live ones, until `signal`. */
  watch(run: RunName, options: { readonly fromSeq?: number; readonly signal: AbortSignal }): AsyncIterable<StoredFact>;
  /** Facts of all runs for the collector's durable consumer; ends on `signal`. */
  consume(options: { readonly maxPending: number; readonly signal: AbortSignal }): AsyncIterable<Delivery<StoredFact>>;
  /** Removes all facts and timers of an ended run (retention). */
  purge(run: RunName): Promise<void>;
}

export interface TaskQueue {
  /** The stored sequence, by which `remove` takes it back. Message id: the attempt's id. */
  publish(task: Task): Promise<{ readonly seq: number }>;
  /** Next task of an agent, or undefined when none came within `expiresMs`. */
  next(
    of: { readonly namespace: string; readonly agent: string },
    expiresMs: number,
    signal: AbortSignal,
  ): Promise<Delivery<Task> | undefined>;
  remove(seq: number): Promise<void>;
  /** Waiting and delivered-but-unsettled tasks of an agent. */
  pending(of: {
    readonly namespace: string;
    readonly agent: string;
  }): Promise<{ readonly waiting: number; readonly running: number }>;
}

type RunId = Home & { readonly uid: string };

/** The queues of all agents, for whoever knows which agents there are. */
export interface TaskQueues {
  /** The queue is there: executors that may make none find it. */
  open(of: { readonly namespace: string; readonly agent: string }): Promise<void>;
  /** Agents that have had an executor. */
  pools(): AsyncIterable<{ readonly namespace: string; readonly agent: string }>;
  /** Of an agent that is gone: steps of tasks that nobody works on fail; while none is `held`, nothing of it is left. */
  close(of: { readonly namespace: string; readonly agent: string }): Promise<{
    readonly failed: number;
    readonly held: number;
  }>;
}

/** L1–L3 of the lease: one holder per attempt; lost is lost for good; a lost holder publishes nothing. */
export interface Leases {
  take(run: RunId, key: AttemptKey): Promise<Lease | "held" | "revoked">;
  /** Nobody may hold this attempt any more: the holder's next renewal is refused (cancel). */
  revoke(run: RunId, key: AttemptKey): Promise<void>;
}
export interface Lease {
  renew(): Promise<"held" | "lost">;
  release(): Promise<void>;
}

export interface RunStates {
  get(run: RunName): Promise<{ readonly state: RunState; readonly revision: number } | undefined>;
  /** `conflict` when `revision` (0: absent) is not the stored one. */
  put(
    state: RunState,
    revision: number,
  ): Promise<{ readonly kind: "stored"; readonly revision: number } | { readonly kind: "conflict" }>;
  delete(run: RunName): Promise<void>;
  /** The current state first, when there is one, then every further one until `signal`. */
  watch(run: RunName, signal: AbortSignal): AsyncIterable<RunState>;
}

export interface Outputs {
  /** Inline below the limit, else stored in the namespace under its digest; storing the same text twice is free. */
  store(of: Home, text: string): Promise<Text>;
  /** Throws `OutputLost`. */
  load(of: Home, text: Text): Promise<string>;
}

export interface Timers {
  /** Fires a `timer` fact once the clock passes `atMs` (rounded up to the second). Setting it again replaces it. */
  set(run: RunRef, timer: string, atMs: number): Promise<void>;
  clear(run: RunRef, timer: string): Promise<void>;
}

export interface Budgets {
  /** All or none of `budgets`; a reservation not settled by `expiresAtMs` comes back by itself (P6, D20). */
  reserve(
    budgets: readonly BudgetRef[],
    id: string,
    tokens: number,
    expiresAtMs: number,
  ): Promise<
    | { readonly kind: "reserved" }
    | { readonly kind: "refused"; readonly key: string; readonly limit: number; readonly spent: number }
  >;
  settle(budgets: readonly BudgetRef[], id: string, usage: Usage): Promise<void>;
  release(budgets: readonly BudgetRef[], id: string): Promise<void>;
}

/** What an agent used, for its status; never what a budget is judged by. */
export interface UsageTally {
  add(of: { readonly namespace: string; readonly agent: string }, usage: Usage, atMs: number): Promise<void>;
  /** In whole hours: this one and the 23 before it. */
  last24h(of: { readonly namespace: string; readonly agent: string }, nowMs: number): Promise<Usage>;
}

/** Tells sleeping or idle workers that a pool has work. Lost hints cost time, never work. */
export interface Wakes {
  hint(pool: { readonly namespace: string; readonly agent: string }): void;
}

/** A hint that wants to know whether somebody heard it: `nobody` when no one who holds wakes says so in time. */
export interface WakeAsks {
  ask(pool: { readonly namespace: string; readonly agent: string }): Promise<"heard" | "nobody">;
}

/** The other end of `Wakes`: whoever holds wakes open hears the hints of all pools until `signal`. */
export interface WakeHints {
  watch(signal: AbortSignal): AsyncIterable<{ readonly namespace: string; readonly agent: string }>;
}

/** An ArkEvent that is about to fire: what it will need may wake before there is work. A lost hint costs time. */
export interface FireHints {
  send(fire: FireHint): void;
  /** Of all events, until `signal`. */
  watch(signal: AbortSignal): AsyncIterable<FireHint>;
}
export type FireHint = { readonly namespace: string; readonly event: string };

/** Work that lies in the queues, whoever it is for: what the waker goes by. */
export interface Backlog {
  read(): Promise<{
    /** Waiting and unsettled tasks by pool. */
    readonly tasks: readonly { readonly namespace: string; readonly agent: string; readonly count: number }[];
    /** Facts that the collector has not settled. */
    readonly facts: number;
    /** Events that nobody has confirmed. */
    readonly events: number;
    /** Tasks that are delivered no more, and wait for the reaper (knative 6.6). */
    readonly dead: number;
  }>;
}

/** Takes away what nobody can deliver any more, and says so in the record (knative 6.6). */
export interface Reaper {
  /** Sweeps what is there, then goes by advisories and repeated sweeps, until `signal`. */
  run(signal: AbortSignal): Promise<void>;
  /** One sweep: how many tasks it took away. */
  sweep(): Promise<number>;
}

/** Tokens of a streaming answer, for whoever watches right now; not stored. */
export interface TokenFeed {
  publish(run: RunName, step: string, text: string): void;
  watch(run: RunName, signal: AbortSignal): AsyncIterable<{ readonly step: string; readonly text: string }>;
}
