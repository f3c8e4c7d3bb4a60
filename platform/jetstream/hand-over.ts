/**
 * Hands a pulled task to another instance, over core NATS: with the address by which it is settled goes the duty to.
 *
 * G1  The delivery stays the same one: handing over costs none of the few a task has (Q1).
 * G2  Where the answer is lost, both may hold the task: the lease lets one of them work (L1).
 * G3  Whoever hands over may be a guest of another version, or of ill will: what is no parcel is refused, and the next
 *     one is looked at.
 */
import type { Task } from "#core/events/tasks.ts";
import { handSubject, STREAMS } from "#core/events/subjects.ts";
import type { Delivery } from "#core/ports/record.ts";
import type { HandOver } from "#core/ports/services.ts";
import { settleAddress, told } from "./deliveries.ts";
import { feed } from "./feed.ts";
import type { Link } from "./link.ts";
import { decodeJson, isTask } from "./messages.ts";
import { isAway, reached } from "./reached.ts";
import { HANDED_BACK } from "./traffic.ts";

/** It answers from memory: an instance that takes longer is not there. */
const ANSWER_MS = 1_000;
const TAKEN = "taken";
const REFUSED = "refused";

type Parcel = {
  readonly task: Task;
  readonly seq: number;
  readonly deliveries: number;
  readonly settle: string;
};

export function handOver(link: Link): HandOver {
  return {
    offer: async (pool, instance, delivery) => {
      const settle = settleAddress(delivery);
      if (settle === undefined) return REFUSED;
      const { value: task, seq, deliveries } = delivery;
      const parcel: Parcel = { task, seq, deliveries, settle };
      try {
        const answer = await link.nc.request(handSubject(pool, instance), JSON.stringify(parcel), {
          timeout: ANSWER_MS,
        });
        return answer.string() === TAKEN ? TAKEN : REFUSED;
      } catch {
        // Nobody listens under that name, or the server is away: whoever pulled the task keeps it.
        return REFUSED;
      }
    },
    receive: async (pool, instance, take, signal) => {
      for await (const message of feed(link, handSubject(pool, instance), signal)) {
        const parcel = decodeJson(message.data);
        message.respond(isParcel(parcel) ? take(received(link, parcel)) : REFUSED);
      }
    },
  };
}

/** G3. */
function isParcel(value: unknown): value is Parcel {
  if (typeof value !== "object" || value === null || !("task" in value) || !isTask(value.task)) return false;
  return "settle" in value && typeof value.settle === "string" && value.settle !== "";
}

/** The words of the acknowledgement protocol (NATS ADR-13). */
function received(link: Link, { task, seq, deliveries, settle }: Parcel): Delivery<Task> {
  // Whoever pulled it has counted its delivery.
  const settled = link.traffic.inHand(STREAMS.tasks);
  let acked: Promise<void> | undefined;
  const say = (word: string): void => {
    try {
      link.nc.publish(settle, word);
    } catch (error) {
      if (!isAway(error)) throw error;
    }
  };
  return {
    value: task,
    seq,
    deliveries,
    ack: () => (acked ??= told(reached(link.nc.request(settle, "+ACK", { timeout: link.timeoutMs })), settled)),
    nak: (delayMs = 0) => {
      settled(HANDED_BACK);
      say(delayMs === 0 ? "-NAK" : `-NAK ${JSON.stringify({ delay: delayMs * 1_000_000 })}`);
    },
    working: () => say("+WPI"),
  };
}
