/**
 * Ticks of a cron ArkEvent that its PingSource missed (knative 7.2).
 *
 * K1  A tick has fired when a run carries its key; who sent it does not matter.
 * K2  A tick is given `GRACE_MS` to become a run before it counts as missed, and is looked at once.
 * K3  A tick that Forbid skips is not missed: a run of the event was active then.
 * K4  No tick from before the event, and none from while it was suspended, is caught up (D33).
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { missedTicks, nextTick, type Schedule } from "#core/schedule/ticks.ts";
import { hasEnded, type RunView } from "./views.ts";

/** A PingSource's own delay, and a dispatcher and a Broker that start from zero. */
export const GRACE_MS = 20_000;

export type TickLook = {
  /** Oldest first. */
  readonly missed: readonly number[];
  /** Ticks up to here are looked at; undefined: the event has none. */
  readonly until: number | undefined;
  /** When to look again. */
  readonly againAt: number | undefined;
};

export type TickWorld = {
  readonly until: number | undefined;
  readonly now: number;
  /** Whether a run carries the key of this tick. */
  readonly hasFired: (tickMs: number) => boolean;
  readonly runs: readonly RunView[];
};

export function scheduleOf({ spec: { source } }: ArkEvent): Schedule | undefined {
  const { cron, timeZone } = source;
  return cron === undefined ? undefined : { cron, ...(timeZone !== undefined && { timeZone }) };
}

export function lookAtTicks(event: ArkEvent, world: TickWorld): TickLook {
  const schedule = scheduleOf(event);
  if (schedule === undefined) return { missed: [], until: undefined, againAt: undefined };
  const { now } = world;
  const last = world.until ?? createdAt(event, now);
  const next = nextTick(schedule, now);
  if (event.spec.suspended) return { missed: [], until: now, againAt: next };
  const settled = Math.max(last, now - GRACE_MS);
  const open = nextTick(schedule, settled);
  const againAt = open === undefined ? next : Math.min(next ?? open, open <= now ? open + GRACE_MS : open);
  const late = ticksUntil(event, schedule, last, now);
  const missed = late.filter((tick) => !world.hasFired(tick) && !isForbidden(event, tick, world.runs));
  return { missed, until: settled, againAt };
}

function ticksUntil({ spec }: ArkEvent, schedule: Schedule, last: number, now: number): readonly number[] {
  const { startingDeadlineSeconds: deadline } = spec;
  if (deadline === 0) return [];
  const end = now - GRACE_MS;
  if (end <= last) return [];
  return missedTicks(schedule, last, end, deadline);
}

/** K3. */
function isForbidden({ spec }: ArkEvent, tick: number, runs: readonly RunView[]): boolean {
  if (spec.concurrencyPolicy !== "Forbid") return false;
  return runs.some((run) => {
    const ended = run.completedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(run.completedAt);
    return Date.parse(run.createdAt) <= tick + GRACE_MS && (!hasEnded(run) || ended >= tick);
  });
}

function createdAt({ metadata }: ArkEvent, now: number): number {
  const at = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? now : at;
}
