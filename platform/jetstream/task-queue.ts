/**
 * Tasks on `ARK_TASKS`: one durable pull consumer per agent (D1), started from the first message (D3).
 *
 * Q1  A task is delivered again when nothing was heard of it for AckWait, five times at most; then the reaper has it.
 * Q2  A fetch that is given up leaves nothing behind: what arrived meanwhile goes back at once.
 */
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
} from "@nats-io/jetstream";
import { deferred, nanos } from "@nats-io/transport-node";
import { attemptId } from "#core/events/facts.ts";
import { STREAMS, taskConsumer, taskSubject } from "#core/events/subjects.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Delivery, TaskQueue } from "#core/ports/record.ts";
import { delivery } from "./deliveries.ts";
import type { Link } from "./link.ts";
import { decodeJson, eventHeaders, isTask } from "./messages.ts";
import { ensureConsumer } from "./provision.ts";
import { API, hasCode, isAway, isTurnedAway, reached, unavailable } from "./reached.ts";
import { removeMessage } from "./remove.ts";

const TASK_ACK_WAIT_MS = 60_000;
const TASK_MAX_DELIVER = 5;
const MAX_ACK_PENDING = 1_000;
/** The shortest pull that the client allows. */
const MIN_EXPIRES_MS = 1_000;
/** Beyond its own end, a pull may be late by this much before the connection is looked at. */
const GRACE_MS = 2_000;

type Pool = { readonly namespace: string; readonly agent: string };
type TaskQueueOptions = { readonly ackWaitMs?: number | undefined };

export function taskQueue(link: Link, options: TaskQueueOptions = {}): TaskQueue {
  const consumers = new Map<string, Promise<Consumer>>();
  const consumerOf = (pool: Pool): Promise<Consumer> => {
    const name = taskConsumer(pool);
    const known = consumers.get(name);
    if (known !== undefined) return known;
    const opening = openConsumer(link, pool, options.ackWaitMs ?? TASK_ACK_WAIT_MS);
    consumers.set(name, opening);
    opening.catch(() => consumers.delete(name));
    return opening;
  };
  return {
    publish: (task) => link.traffic.sent(STREAMS.tasks, publish(link, task)),
    next: async (pool, expiresMs, signal) => {
      if (signal.aborted) return undefined;
      const taken = await take(link, await consumerOf(pool), expiresMs, signal);
      if (taken.kind !== "gone") return taken.delivery;
      consumers.delete(taskConsumer(pool));
      const again = await take(link, await consumerOf(pool), expiresMs, signal);
      return again.kind === "gone" ? undefined : again.delivery;
    },
    remove: (seq) => removeMessage(link, STREAMS.tasks, seq),
    pending: (pool) => pending(link, pool),
  };
}

async function publish(link: Link, task: Task): Promise<{ readonly seq: number }> {
  const id = attemptId(task.uid, task);
  const ack = await reached(
    link.js.publish(taskSubject(task.namespace, task.agent), JSON.stringify(task), {
      msgID: id,
      headers: eventHeaders({
        id,
        source: `/ark/${task.namespace}/runs/${task.run}`,
        type: "dev.ark.step.task",
        subject: task.step,
        at: Date.now(),
        extensions: {
          arknamespace: task.namespace,
          arkrun: task.run,
          arkagent: task.agent,
          traceparent: task.traceparent,
        },
      }),
    }),
  );
  return { seq: ack.seq };
}

async function openConsumer(link: Link, pool: Pool, ackWaitMs: number): Promise<Consumer> {
  const name = taskConsumer(pool);
  if (link.isGuest) return boundConsumer(link, name);
  await ensureTaskConsumer(link, pool, ackWaitMs);
  return await reached(link.js.consumers.get(STREAMS.tasks, name));
}

export async function ensureTaskConsumer(link: Link, pool: Pool, ackWaitMs: number = TASK_ACK_WAIT_MS): Promise<void> {
  await ensureConsumer(link, STREAMS.tasks, {
    durable_name: taskConsumer(pool),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: taskSubject(pool.namespace, pool.agent),
    ack_wait: nanos(ackWaitMs),
    max_deliver: TASK_MAX_DELIVER,
    max_ack_pending: MAX_ACK_PENDING,
  });
}

/** Of a consumer that others have made: nothing is asked of it but its messages. */
function boundConsumer(link: Link, name: string): Consumer {
  const info: Pick<ConsumerInfo, "name" | "stream_name" | "config"> = {
    name,
    stream_name: STREAMS.tasks,
    config: { durable_name: name, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All } as ConsumerConfig,
  };
  return link.js.consumers.getConsumerFromInfo(info as ConsumerInfo);
}

type Taken = { readonly kind: "took"; readonly delivery: Delivery<Task> | undefined } | { readonly kind: "gone" };

async function take(link: Link, consumer: Consumer, expiresMs: number, signal: AbortSignal): Promise<Taken> {
  const expires = Math.max(MIN_EXPIRES_MS, expiresMs);
  const messages = await reached(consumer.fetch({ max_messages: 1, expires, bind: true }));
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const late = setTimeout(stop, expires + GRACE_MS);
  try {
    const message = await first(messages);
    if (message === undefined) {
      if (!signal.aborted) await requireConnection(link);
      return { kind: "took", delivery: undefined };
    }
    if (signal.aborted) {
      message.nak();
      return { kind: "took", delivery: undefined };
    }
    return { kind: "took", delivery: taskDelivery(link, message) };
  } catch (error) {
    return await classify(link, consumer, error);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", stop);
    stop();
  }
}

async function first(messages: ConsumerMessages): Promise<JsMsg | undefined> {
  for await (const message of messages) return message;
  return undefined;
}

function taskDelivery({ traffic }: Link, message: JsMsg): Delivery<Task> | undefined {
  const task = decodeJson(message.data);
  if (isTask(task)) return delivery(message, task, { stream: STREAMS.tasks, traffic });
  message.term("not a task");
  return undefined;
}

/** Missed heartbeats under load are no fault; a consumer that is gone is made again; else the store is away. */
async function classify(link: Link, consumer: Consumer, error: unknown): Promise<Taken> {
  if (!(error instanceof Error)) throw error;
  if (isAway(error) || /heartbeats missed|consumer deleted|no responders/.test(error.message)) {
    if (link.isGuest || isTurnedAway(error)) throw unavailable(error);
    try {
      await reached(consumer.info());
      return { kind: "took", delivery: undefined };
    } catch (why) {
      if (hasCode(why, API.consumerNotFound)) return { kind: "gone" };
      throw unavailable(why);
    }
  }
  throw error;
}

/** An empty pull may also mean that nobody answered. */
async function requireConnection(link: Link): Promise<void> {
  const timeout = deferred<never>();
  const timer = setTimeout(() => timeout.reject(unavailable("no answer to a ping")), link.timeoutMs);
  try {
    await reached(Promise.race([link.nc.flush(), timeout]));
  } finally {
    clearTimeout(timer);
  }
}

async function pending(link: Link, pool: Pool): Promise<{ readonly waiting: number; readonly running: number }> {
  if (link.isGuest) throw unavailable("a guest may not look into a queue");
  try {
    const info = await reached(link.jsm.consumers.info(STREAMS.tasks, taskConsumer(pool)));
    return { waiting: info.num_pending, running: info.num_ack_pending };
  } catch (error) {
    if (!hasCode(error, API.consumerNotFound)) throw error;
  }
  const subject = taskSubject(pool.namespace, pool.agent);
  const info = await reached(link.jsm.streams.info(STREAMS.tasks, { subjects_filter: subject }));
  return { waiting: info.state.subjects?.[subject] ?? 0, running: 0 };
}
