/**
 * Work in the queues, read in a handful of requests however many pools there are.
 *
 * G1  A task counts from its publishing until it is settled, also before its pool has a consumer (D3).
 * G2  A task that is stored, and that its consumer neither waits to deliver nor awaits an answer for, is dead.
 */
import { STREAMS, taskSubject } from "#core/events/subjects.ts";
import type { Backlog } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { DURABLES } from "./provision.ts";
import { reached } from "./reached.ts";

const ALL_TASKS = taskSubject("*", "*");

export function backlog(link: Link): Backlog {
  return { read: () => reached(read(link)) };
}

async function read(link: Link): ReturnType<Backlog["read"]> {
  const [stored, live, facts, events] = await Promise.all([
    link.jsm.streams.info(STREAMS.tasks, { subjects_filter: ALL_TASKS }),
    liveTasks(link),
    link.jsm.consumers.info(STREAMS.facts, DURABLES.collector.name),
    link.jsm.streams.info(STREAMS.events),
  ]);
  let dead = 0;
  const tasks = Object.entries(stored.state.subjects ?? {}).map(([subject, count]) => {
    const [, , namespace = "", agent = ""] = subject.split(".");
    const alive = live.get(subject);
    if (alive !== undefined) dead += Math.max(0, count - alive);
    return { namespace, agent, count: alive === undefined ? count : Math.min(count, alive) };
  });
  return {
    tasks: tasks.filter(({ count }) => count > 0),
    facts: facts.num_pending + facts.num_ack_pending,
    events: events.state.messages,
    dead,
  };
}

/** By subject: to be delivered, and delivered without an answer yet. */
async function liveTasks(link: Link): Promise<ReadonlyMap<string, number>> {
  const live = new Map<string, number>();
  for await (const { config, num_pending, num_ack_pending } of link.jsm.consumers.list(STREAMS.tasks))
    if (config.filter_subject !== undefined) live.set(config.filter_subject, num_pending + num_ack_pending);
  return live;
}
