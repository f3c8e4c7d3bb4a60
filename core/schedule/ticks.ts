/**
 * When a cron source fires. The one door of cron-parser; time is a number that the caller passes in.
 *
 * K1  A local time that the clocks skip does not fire; one that they repeat fires once (api 1, `timeZone`).
 * K2  A schedule that validation refuses has no tick.
 * K3  A tick is named by its instant, so the same tick found twice is one fire (P1).
 */
import { CronExpressionParser } from "cron-parser";
import { parseCron } from "#core/api/cron.ts";
import { isTimeZone } from "#core/api/time-zone.ts";

export type Schedule = { readonly cron: string; readonly timeZone?: string };

/** Without `startingDeadlineSeconds` only the newest missed tick counts, and only this long. */
const DEFAULT_LATENESS_MS = 100_000;

/** The first tick after `afterMs`, in milliseconds since the epoch; undefined when there is none. */
export function nextTick(schedule: Schedule, afterMs: number): number | undefined {
  const [first] = ticks(schedule, afterMs, Number.POSITIVE_INFINITY, 1);
  return first;
}

/**
 * Ticks in (lastMs, nowMs] that were missed and are to be caught up, oldest first.
 * `deadlineSeconds` is the event's `startingDeadlineSeconds`; 0 catches nothing up.
 */
export function missedTicks(schedule: Schedule, lastMs: number, nowMs: number, deadlineSeconds?: number): number[] {
  const window = deadlineSeconds === undefined ? DEFAULT_LATENESS_MS : deadlineSeconds * 1000;
  const found = ticks(schedule, Math.max(lastMs, nowMs - window - 1), nowMs, Number.POSITIVE_INFINITY);
  return deadlineSeconds === undefined ? found.slice(-1) : found;
}

/** Names the fire of a tick, whoever sends it (K2). */
export function tickKey(tickMs: number): string {
  return new Date(tickMs).toISOString();
}

function ticks(schedule: Schedule, afterMs: number, untilMs: number, limit: number): number[] {
  const { timeZone: tz = "UTC" } = schedule;
  const parsed = parseCron(schedule.cron);
  if (parsed.kind === "refused" || !isTimeZone(tz)) return [];
  const cron = CronExpressionParser.parse(parsed.cron.text, { currentDate: new Date(afterMs), tz });
  const found: number[] = [];
  while (found.length < limit && cron.hasNext()) {
    const next = cron.next();
    const at = next.toDate();
    if (at.getTime() > untilMs) break;
    if (cron.includesDate(next)) found.push(at.getTime());
  }
  return found;
}
