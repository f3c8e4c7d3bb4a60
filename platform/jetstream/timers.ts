/**
 * Durable timers as scheduled messages of `ARK_TIMERS` (ADR-51 of NATS): nobody waits for them (P9).
 *
 * T1  A timer's subject is its identity: setting it again replaces it, purging the subject cancels it.
 * T2  What fires is a timer fact that names its timer; firing twice is for the fold to ignore.
 * T3  Of a run that is let go nothing is left that the record could still take.
 */
import type { TimerFired } from "#core/events/facts.ts";
import { firedSubject, STREAMS, timerFactSubject, timerSubject } from "#core/events/subjects.ts";
import type { RunName, Timers } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { factHeaders } from "./messages.ts";
import { reached } from "./reached.ts";

/** How long the record may be away and still get what fired meanwhile. */
const FIRED_TTL = "168h";

export function timers(link: Link): Timers {
  return {
    set: async (run, timer, atMs) => {
      const at = Math.ceil(atMs / 1_000) * 1_000;
      const fact: TimerFired = { kind: "timer", at, timer };
      const fires =
        (await timerStream(link)) === STREAMS.timers
          ? { target: firedSubject(run), ttl: FIRED_TTL }
          : { target: timerFactSubject(run) };
      const setting = reached(
        link.js.publish(timerSubject(run, timer), JSON.stringify(fact), {
          headers: factHeaders(run, fact),
          schedule: { specification: new Date(at), ...fires },
        }),
      );
      // The record may have been made anew, in the other form: whoever tries again looks where its timers are.
      await setting.catch((error: unknown) => {
        streams.delete(link);
        throw error;
      });
    },
    clear: async (run, timer) => {
      await reached(link.jsm.streams.purge(await timerStream(link), { filter: timerSubject(run, timer) }));
    },
  };
}

/** T3: those that are set, then those that have fired. */
export async function purgeTimers(link: Link, run: RunName): Promise<void> {
  const stream = await timerStream(link);
  for (const filter of [timerSubject(run, ">"), firedSubject(run)])
    await reached(link.jsm.streams.purge(stream, { filter }));
}

const streams = new WeakMap<Link, Promise<string>>();

/** A record that was begun with its timers in it keeps them there. */
function timerStream(link: Link): Promise<string> {
  const known = streams.get(link);
  if (known !== undefined) return known;
  const finding = reached(link.jsm.streams.find("ark.timers.>"));
  streams.set(link, finding);
  finding.catch(() => streams.delete(link));
  return finding;
}
