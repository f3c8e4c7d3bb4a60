/**
 * One task: take the lease, read what is recorded, let the agent work, record the result, acknowledge.
 *
 * X1  The result is stored before the task is acknowledged; a crash between the two finds the result and acknowledges
 *     only (D5, E1, P2).
 * X2  Recorded turns are replayed: work that was paid for is never paid for again (P3, D4).
 * X3  A lost lease is silence: no fact, no acknowledgement, no hand-back (L3).
 * X4  A store that is away is waited for with the result in hand, as long as the lease stands (P8).
 * X5  A stop (SIGTERM that outlasts its grace) hands the task back at once; its turns are recorded (D7).
 */
import type { HandleOutcome } from "#core/outcome.ts";
import type { Delivery, Lease } from "#core/ports/record.ts";
import type { AgentOutcome } from "#core/agent/task.ts";
import { COLLECTOR_POOL } from "#core/events/subjects.ts";
import type { Task } from "#core/events/tasks.ts";
import type { AgentRuntime, ExecutorDeps } from "./deps.ts";
import { hold, type Holding } from "./holding.ts";
import { finishedFact, type Result } from "./result.ts";
import { retrying } from "#core/ports/retrying.ts";
import { takeLease } from "./take-lease.ts";
import { beginStep, endStep } from "./trace.ts";
import { work } from "./work.ts";

type TaskDelivery = Delivery<Task>;

/** Ends early only by `signal`. Never rejects. */
export async function handleTask(
  delivery: TaskDelivery,
  deps: ExecutorDeps,
  signal: AbortSignal,
): Promise<HandleOutcome> {
  const loading = deps.runtime();
  // Looked at below; until then a failed load is nobody's unhandled rejection.
  loading.catch(() => {});
  const taken = await takeLease(delivery, deps, signal);
  switch (taken.kind) {
    case "revoked":
    case "finished":
      await acknowledge(delivery, deps, signal);
      return { kind: "done" };
    case "given-up":
      delivery.nak(deps.heartbeatMs);
      return { kind: "retry", afterMs: deps.heartbeatMs, reason: taken.reason };
    case "taken":
      return underLease(delivery, taken.lease, loading, deps, signal);
  }
}

async function underLease(
  delivery: TaskDelivery,
  lease: Lease,
  loading: Promise<AgentRuntime>,
  deps: ExecutorDeps,
  signal: AbortSignal,
): Promise<HandleOutcome> {
  const holding = hold(lease, delivery, {
    heartbeatMs: deps.heartbeatMs,
    graceMs: deps.heartbeatMs * 3,
    now: deps.now,
  });
  const span = beginStep(delivery.value, deps);
  try {
    const runtime = await loading;
    const task = { ...delivery.value, traceparent: span.traceparent };
    const ended = await work(task, runtime, holding, deps, signal);
    endStep(span, ended);
    return await conclude(delivery, lease, holding, ended, deps, signal);
  } catch (error) {
    span.end("_OTHER");
    deps.log.error({ ...fields(delivery.value), err: error }, "task broke");
    if (!holding.lost) await handBack(delivery, lease, deps);
    return { kind: "retry", afterMs: 0, reason: "broke" };
  } finally {
    holding.stop();
  }
}

async function conclude(
  delivery: TaskDelivery,
  lease: Lease,
  holding: Holding,
  ended: AgentOutcome,
  deps: ExecutorDeps,
  signal: AbortSignal,
): Promise<HandleOutcome> {
  const task = delivery.value;
  if (holding.lost) return silent(task, holding, deps);
  if (ended.kind === "lost" || ended.kind === "stopped") {
    await handBack(delivery, lease, deps);
    return { kind: "retry", afterMs: 0, reason: ended.kind };
  }
  const stored = await retrying(() => record(task, ended, deps), deps, AbortSignal.any([signal, holding.signal]));
  if (stored.kind === "failed") throw stored.error;
  if (holding.lost) return silent(task, holding, deps);
  if (stored.kind === "stopped") {
    await handBack(delivery, lease, deps);
    return { kind: "retry", afterMs: 0, reason: "stopped" };
  }
  deps.log.info({ ...fields(task), outcome: ended.kind, turns: ended.turns, ...ended.usage }, "step finished");
  const tallied = stored.value === "first" ? tally(task, ended, deps) : undefined;
  await acknowledge(delivery, deps, signal);
  await quietly(() => lease.release(), deps);
  await tallied;
  return { kind: "done" };
}

async function record(task: Task, result: Result, deps: ExecutorDeps): Promise<"first" | "again"> {
  const published = await deps.facts.publish(task, await finishedFact(task, result, deps.now(), deps.outputs));
  deps.wakes.hint({ namespace: task.namespace, agent: COLLECTOR_POOL });
  return published.kind === "stored" ? "first" : "again";
}

/** For people; what it misses is no task's concern. */
function tally(task: Task, { usage }: Result, deps: ExecutorDeps): Promise<void> {
  return quietly(() => deps.usage.add(task, usage, deps.now()), deps);
}

function silent(task: Task, { signal }: Holding, deps: ExecutorDeps): HandleOutcome {
  deps.log.warn({ ...fields(task), err: signal.reason as unknown }, "lease lost");
  return { kind: "dead", code: "lease.lost", reason: "another executor holds this attempt, or it was cancelled" };
}

/** Lease first, so that whoever gets the task next can take it. */
async function handBack(delivery: TaskDelivery, lease: Lease, deps: ExecutorDeps): Promise<void> {
  await quietly(() => lease.release(), deps);
  delivery.nak();
}

/** An acknowledgement that does not arrive brings the task back, and X1 answers it. */
async function acknowledge(delivery: TaskDelivery, deps: ExecutorDeps, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await quietly(() => delivery.ack(), deps);
}

async function quietly(settle: () => Promise<void>, deps: ExecutorDeps): Promise<void> {
  try {
    await settle();
  } catch (error) {
    deps.log.debug({ err: error }, "not settled; it will come again");
  }
}

function fields({ namespace, run, step, iteration, attempt }: Task): object {
  return { namespace, run, step, iteration, attempt };
}
