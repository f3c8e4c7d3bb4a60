/**
 * Takes away tasks that nobody can deliver any more (knative 6.6), and tells their runs.
 *
 * H1  In this order, each step repeatable: dead letter, failed result, removal. A crash between two of them is mended
 *     by the next sweep.
 * H2  A task whose attempt has a result already is only removed: its work was done, its acknowledgement got lost.
 * H3  Advisories are not durable, so sweeps look as well. A sweep takes a task only when the server's own numbers say
 *     that all it looks at are stuck, twice in a row: a task in somebody's hand is never taken.
 */
import type { ConsumerInfo, StoredMsg } from "@nats-io/jetstream";
import { delay } from "@nats-io/transport-node";
import { attemptId } from "#core/events/facts.ts";
import { STREAMS } from "#core/events/subjects.ts";
import type { Task } from "#core/events/tasks.ts";
import type { DeadLetters } from "#core/ports/events.ts";
import type { FactLog, Reaper } from "#core/ports/record.ts";
import { feed } from "./feed.ts";
import type { Link } from "./link.ts";
import { decodeJson, isTask } from "./messages.ts";
import { API, hasCode, isAway, reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { removeMessage } from "./remove.ts";

const ADVISORIES = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${STREAMS.tasks}.*`;
const SWEEP_EVERY_MS = 30_000;

type ReaperDeps = {
  readonly factLog: Pick<FactLog, "publish" | "finished">;
  readonly deadLetters: Pick<DeadLetters, "store">;
  readonly now?: () => number;
  readonly sweepEveryMs?: number;
};

export function reaper(link: Link, deps: ReaperDeps): Reaper {
  return {
    run: async (signal) => {
      // Either may break; whoever then runs this again must not find the other one still at work.
      const round = new AbortController();
      const ends = AbortSignal.any([signal, round.signal]);
      const both = [listen(link, deps, ends), keepSweeping(link, deps, ends)];
      try {
        await Promise.all(both);
      } finally {
        round.abort();
        await Promise.allSettled(both);
      }
    },
    sweep: () => sweep(link, deps),
  };
}

async function listen(link: Link, deps: ReaperDeps, signal: AbortSignal): Promise<void> {
  for await (const advisory of feed(link, ADVISORIES, signal)) {
    const seq = sequenceOf(decodeJson(advisory.data));
    // What fails here while the store is away, the next sweep finds.
    if (seq !== undefined) await tolerant(() => reap(link, deps, seq));
  }
}

async function keepSweeping(link: Link, deps: ReaperDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await tolerant(() => sweep(link, deps));
    const pause = delay(deps.sweepEveryMs ?? SWEEP_EVERY_MS);
    const stop = () => pause.cancel();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    await pause.catch(() => undefined);
    signal.removeEventListener("abort", stop);
  }
}

async function sweep(link: Link, deps: ReaperDeps): Promise<number> {
  let taken = 0;
  for await (const consumer of link.jsm.consumers.list(STREAMS.tasks)) {
    const first = await stuckIn(link, consumer);
    if (first.length === 0) continue;
    const again = await stuckIn(link, await reached(link.jsm.consumers.info(STREAMS.tasks, consumer.name)));
    if (first.join() !== again.join()) continue;
    for (const seq of first) taken += await reap(link, deps, seq);
  }
  return taken;
}

/** Sequences that were delivered, are not in anybody's hand, and are still stored; empty while that is not certain. */
async function stuckIn(link: Link, consumer: ConsumerInfo): Promise<readonly number[]> {
  const filter = consumer.config.filter_subject;
  if (filter === undefined || consumer.num_ack_pending > 0) return [];
  const stuck: number[] = [];
  for await (const { seq } of readStored(link, STREAMS.tasks, filter)) {
    if (seq > consumer.delivered.stream_seq) break;
    stuck.push(seq);
  }
  return stuck;
}

/** 1 when the task was there. */
async function reap(link: Link, deps: ReaperDeps, seq: number): Promise<number> {
  const message = await stored(link, seq);
  if (message === null) return 0;
  const task = decodeJson(message.data);
  if (isTask(task) && (await deps.factLog.finished(task, task)) === undefined) await bury(deps, task, seq);
  await removeMessage(link, STREAMS.tasks, seq);
  return 1;
}

async function bury(deps: ReaperDeps, task: Task, seq: number): Promise<void> {
  const at = (deps.now ?? Date.now)();
  const { namespace, run, uid, step, iteration, attempt, agent } = task;
  const message = `agent ${agent} was given this task five times, and no worker lived to report a result`;
  await deps.deadLetters.store(
    { of: "task", namespace, name: agent, reason: "TaskUndeliverable", message, original: task, at },
    `${attemptId(uid, task)}/dead/${seq}`,
  );
  await deps.factLog.publish(
    { namespace, run, uid },
    {
      kind: "step.finished",
      at,
      step,
      iteration,
      attempt,
      outcome: { kind: "failed", code: "task.undeliverable", message, mayPass: false },
    },
  );
}

async function stored(link: Link, seq: number): Promise<StoredMsg | null> {
  try {
    return await reached(link.jsm.direct.getMessage(STREAMS.tasks, { seq }));
  } catch (error) {
    if (hasCode(error, API.messageNotFound, API.messageNotFoundBySeq)) return null;
    throw error;
  }
}

async function tolerant(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAway(error)) throw error;
  }
}

function sequenceOf(advisory: unknown): number | undefined {
  if (typeof advisory !== "object" || advisory === null || !("stream_seq" in advisory)) return undefined;
  return typeof advisory.stream_seq === "number" ? advisory.stream_seq : undefined;
}
