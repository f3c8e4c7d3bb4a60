/**
 * Hints that a pool has work, over core NATS: lost hints cost time, never work.
 *
 * H1  Whoever watches answers each hint that asks: without an answer nobody holds wakes now (P8).
 */
import { wakeSubject } from "#core/events/subjects.ts";
import type { WakeAsks, WakeHints, Wakes } from "#core/ports/record.ts";
import { feed, send } from "./feed.ts";
import type { Link } from "./link.ts";
import { isAway } from "./reached.ts";

/** Where nobody listens the server says so at once; this is for one who listens and hangs. */
const ANSWER_MS = 3_000;

export function wakes(link: Link): Wakes & WakeAsks & WakeHints {
  return {
    hint: ({ namespace, agent }) => send(link, wakeSubject(namespace, agent)),
    ask: ({ namespace, agent }) => ask(link, wakeSubject(namespace, agent)),
    watch: (signal) => watch(link, signal),
  };
}

async function ask(link: Link, subject: string): Promise<"heard" | "nobody"> {
  if (!link.line.up) return "nobody";
  try {
    await link.nc.request(subject, undefined, { timeout: ANSWER_MS });
    return "heard";
  } catch (error) {
    if (isAway(error)) return "nobody";
    throw error;
  }
}

/** H1. */
async function* watch(link: Link, signal: AbortSignal): ReturnType<WakeHints["watch"]> {
  for await (const { subject, reply } of feed(link, wakeSubject("*", "*"), signal)) {
    if (reply !== undefined && reply !== "") send(link, reply);
    const [, , namespace = "", agent = ""] = subject.split(".");
    yield { namespace, agent };
  }
}
