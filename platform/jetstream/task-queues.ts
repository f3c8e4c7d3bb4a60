/**
 * The queues of agents that are gone: their tasks end, then the consumer goes.
 *
 * O1  A task in somebody's hand is left to them: who has its lease brings it to an end (L1).
 * O2  In this order, each step repeatable: lease, failed result, removal. An executor that pulled the task meanwhile
 *     finds its result, and acknowledges only (X1).
 */
import { STREAMS, taskConsumer, taskSubject } from "#core/events/subjects.ts";
import type { Task } from "#core/events/tasks.ts";
import type { FactLog, Leases, TaskQueues } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { decodeJson, isTask } from "./messages.ts";
import { API, hasCode, reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { removeMessage } from "./remove.ts";
import { ensureTaskConsumer } from "./task-queue.ts";

type QueueDeps = {
  readonly factLog: Pick<FactLog, "publish" | "finished">;
  readonly leases: Leases;
  readonly ackWaitMs?: number | undefined;
  readonly now?: () => number;
};

export function taskQueues(link: Link, deps: QueueDeps): TaskQueues {
  return {
    open: (pool) => open(link, pool, deps.ackWaitMs),
    pools: () => pools(link),
    close: (pool) => close(link, deps, pool),
  };
}

type Pool = Parameters<TaskQueues["close"]>[0];

/** Looked for first: an agent is looked at again and again. */
async function open(link: Link, pool: Pool, ackWaitMs: number | undefined): Promise<void> {
  try {
    await reached(link.jsm.consumers.info(STREAMS.tasks, taskConsumer(pool)));
  } catch (error) {
    if (!hasCode(error, API.consumerNotFound)) throw error;
    await ensureTaskConsumer(link, pool, ackWaitMs);
  }
}

async function* pools(link: Link): AsyncGenerator<Pool> {
  for await (const { config } of link.jsm.consumers.list(STREAMS.tasks)) {
    const [, , namespace, agent] = config.filter_subject?.split(".") ?? [];
    if (namespace !== undefined && agent !== undefined) yield { namespace, agent };
  }
}

async function close(link: Link, deps: QueueDeps, pool: Pool): ReturnType<TaskQueues["close"]> {
  let [failed, held] = [0, 0];
  for await (const { seq, data } of readStored(link, STREAMS.tasks, taskSubject(pool.namespace, pool.agent))) {
    const task = decodeJson(data);
    const outcome = isTask(task) ? await end(task, deps) : "over";
    if (outcome === "held") held += 1;
    else await removeMessage(link, STREAMS.tasks, seq);
    if (outcome === "failed") failed += 1;
  }
  if (held === 0) await removeConsumer(link, taskConsumer(pool));
  return { failed, held };
}

/** O1, O2. */
async function end(task: Task, { factLog, leases, now = Date.now }: QueueDeps): Promise<"over" | "held" | "failed"> {
  const { step, iteration, attempt, agent } = task;
  const lease = await leases.take(task, task);
  if (lease === "revoked" || (await factLog.finished(task, task))?.uid === task.uid) return "over";
  if (lease === "held") return "held";
  const message = `agent ${agent} was deleted while this task waited for it`;
  const outcome = { kind: "failed", code: "agent.deleted", message, mayPass: false } as const;
  await factLog.publish(task, { kind: "step.finished", at: now(), step, iteration, attempt, outcome });
  await leases.revoke(task, task);
  return "failed";
}

async function removeConsumer(link: Link, name: string): Promise<void> {
  try {
    await reached(link.jsm.consumers.delete(STREAMS.tasks, name));
  } catch (error) {
    if (!hasCode(error, API.consumerNotFound)) throw error;
  }
}
