/** How many dead letters each ArkEvent has: all of them looked at in one request, for nobody tells when one is made. */
import type { Replay } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Census } from "#core/reconcile/readings.ts";
import { againAndAgain } from "./again.ts";

export type LetterCounts = {
  /** `<namespace>/<name>`; undefined before the first look. */
  of(key: string): number | undefined;
  /** All, by the last look. */
  census(): Census | undefined;
  /** Counts at once: some were sent again. */
  look(): Promise<void>;
  /** Until `signal`. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
};

export type LetterCountsOptions = {
  readonly letters: Pick<Replay, "census">;
  /** Of ArkEvents whose count is another one than before. */
  readonly onChange: (keys: Iterable<string>) => void;
  /** All ArkEvents: after the first look, they know. */
  readonly all: () => Iterable<string>;
  readonly everyMs: number;
  readonly log: Logger;
};

export function createLetterCounts({ letters, onChange, all, everyMs, log }: LetterCountsOptions): LetterCounts {
  let known: Census | undefined;
  const look = async (): Promise<void> => {
    const census = await letters.census();
    const { counts } = census;
    const before = known?.counts;
    known = census;
    if (before === undefined) return onChange(all());
    const keys = new Set([...before.keys(), ...counts.keys()]);
    onChange([...keys].filter((key) => before.get(key) !== counts.get(key)));
  };
  return {
    look,
    of: (key) => (known === undefined ? undefined : (known.counts.get(key) ?? 0)),
    census: () => known,
    run: (signal) => againAndAgain(look, { everyMs, failed: "dead letters not counted", log }, signal),
  };
}
