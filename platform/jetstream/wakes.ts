/** Hints that a pool has work, over core NATS: lost hints cost time, never work. */
import { wakeSubject } from "#core/events/subjects.ts";
import type { WakeHints, Wakes } from "#core/ports/record.ts";
import { feed, send } from "./feed.ts";
import type { Link } from "./link.ts";

export function wakes(link: Link): Wakes & WakeHints {
  return {
    hint: ({ namespace, agent }) => send(link, wakeSubject(namespace, agent)),
    watch: (signal) => watch(link, signal),
  };
}

async function* watch(link: Link, signal: AbortSignal): ReturnType<WakeHints["watch"]> {
  for await (const { subject } of feed(link, wakeSubject("*", "*"), signal)) {
    const [, , namespace = "", agent = ""] = subject.split(".");
    yield { namespace, agent };
  }
}
