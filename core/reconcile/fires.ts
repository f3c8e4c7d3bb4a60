/**
 * Counts the fires of an ArkEvent by the runs that carry their keys (D35).
 *
 * F1  A fire counts once, however many runs it has and however often they are seen; a run that goes lowers nothing.
 */
import type { FireTally } from "#core/ports/events.ts";

export type FiredRun = {
  /** Digest of the fire's key; the runs of one fire share it. */
  readonly eventKey: string;
  /** RFC 3339. */
  readonly createdAt: string;
};

export type Tallied = {
  readonly tally: FireTally;
  readonly fresh: number;
  /** Whether `tally` differs from what was stored. */
  readonly changed: boolean;
};

/** Whether a fire is among those that are counted, and has runs. */
export function isCounted(tally: FireTally, eventKey: string): boolean {
  return tally.keys.includes(eventKey.slice(0, KEY_LENGTH));
}

/** Enough of a digest to tell the present fires of one event apart. */
const KEY_LENGTH = 16;

export function tallyFires(uid: string, stored: FireTally | undefined, runs: readonly FiredRun[]): Tallied {
  const before: FireTally = stored?.uid === uid ? stored : { uid, count: 0, keys: [] };
  const counted = new Set(before.keys);
  const present = new Set(runs.map(({ eventKey }) => eventKey.slice(0, KEY_LENGTH)));
  const fresh = [...present].filter((key) => !counted.has(key)).length;
  const gone = [...counted].some((key) => !present.has(key));
  const last = latest([before.lastFiredAt, ...runs.map(({ createdAt }) => createdAt)]);
  const tally: FireTally = {
    ...before,
    count: before.count + fresh,
    keys: [...present].toSorted(),
    ...(last !== undefined && { lastFiredAt: last }),
  };
  return { tally, fresh, changed: fresh > 0 || gone || stored !== before || last !== before.lastFiredAt };
}

function latest(times: readonly (string | undefined)[]): string | undefined {
  return times.reduce((last, at) => (at !== undefined && (last === undefined || at > last) ? at : last), undefined);
}
