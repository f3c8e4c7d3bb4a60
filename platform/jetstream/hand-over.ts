/**
 * Hands a pulled task to another instance, over core NATS: with the address by which it is settled goes the duty to.
 *
 * G1  The delivery stays the same one: handing over costs none of the few a task has (Q1).
 * G2  Where the answer is lost, both may hold the task: the lease lets one of them work (L1).
 */
import type { Task } from "#core/events/tasks.ts";
import { handSubject, STREAMS } from "#core/events/subjects.ts";
import type { Delivery } from "#core/ports/record.ts";
import type { HandOver } from "#core/ports/services.ts";
import { settleAddress, told } from "./deliveries.ts";
import { feed } from "./feed.ts";
import type { Link } from "./link.ts";
import { decodeJson } from "./messages.ts";
import { isAway, reached } from "./reached.ts";
import { HANDED_BACK } from "./traffic.ts";

/** It answers from memory: an instance that takes longer is not there. */
const ANSWER_MS = 1_000;
const TAKEN = "taken";

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
      if (settle === undefined) return "refused";
      const { value: task, seq, deliveries } = delivery;
      const parcel: Parcel = { task, seq, deliveries, settle };
      try {
        const answer = await link.nc.request(handSubject(pool, instance), JSON.stringify(parcel), {
          timeout: ANSWER_MS,
        });
        return answer.string() === TAKEN ? "taken" : "refused";
      } catch {
        // Nobody listens under that name, or the server is away: whoever pulled the task keeps it.
        return "refused";
      }
    },
    receive: async (pool, instance, take, signal) => {
      for await (const message of feed(link, handSubject(pool, instance), signal)) {
        message.respond(take(received(link, decodeJson(message.data) as Parcel)));
      }
    },
  };
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
