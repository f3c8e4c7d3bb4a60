/**
 * Durable timers as scheduled messages of `ARK_FACTS` (ADR-51 of NATS): nobody waits for them (P9).
 *
 * T1  A timer's subject is its identity: setting it again replaces it, purging the subject cancels it.
 * T2  What fires is a timer fact that names its timer; firing twice is for the fold to ignore.
 */
import type { TimerFired } from "#core/events/facts.ts";
import { STREAMS, timerSubject, timerTarget } from "#core/events/subjects.ts";
import type { Timers } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { factHeaders } from "./messages.ts";
import { reached } from "./reached.ts";

export function timers(link: Link): Timers {
  return {
    set: async (run, timer, atMs) => {
      const at = Math.ceil(atMs / 1_000) * 1_000;
      const fact: TimerFired = { kind: "timer", at, timer };
      await reached(
        link.js.publish(timerSubject(run, timer), JSON.stringify(fact), {
          headers: factHeaders(run, fact),
          schedule: { specification: new Date(at), target: timerTarget(run) },
        }),
      );
    },
    clear: async (run, timer) => {
      await reached(link.jsm.streams.purge(STREAMS.facts, { filter: timerSubject(run, timer) }));
    },
  };
}
