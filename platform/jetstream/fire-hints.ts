/** Hints that an ArkEvent is about to fire, over core NATS: lost ones cost time, never a fire. */
import { fireSubject } from "#core/events/subjects.ts";
import type { FireHints } from "#core/ports/record.ts";
import { feed, send } from "./feed.ts";
import type { Link } from "./link.ts";

export function fireHints(link: Link): FireHints {
  return {
    send: ({ namespace, event }) => send(link, fireSubject(namespace, event)),
    async *watch(signal) {
      for await (const { subject } of feed(link, fireSubject("*", "*"), signal)) {
        const [, , namespace = "", event = ""] = subject.split(".");
        yield { namespace, event };
      }
    },
  };
}
