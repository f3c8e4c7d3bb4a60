/**
 * Metrics as handlers see them: instruments by name, values with the attributes that `INSTRUMENTS` allows (I1).
 *
 * E1  Counting never fails, never waits and never throws: the work that is counted goes on.
 */
import type { INSTRUMENTS } from "./instruments.ts";

export type Instruments = typeof INSTRUMENTS;
type NameOf<Kind> = { [N in keyof Instruments]: Instruments[N]["kind"] extends Kind ? N : never }[keyof Instruments];
export type Recorded = NameOf<"histogram">;
export type Counted = NameOf<"counter">;
export type Observed = NameOf<"gauge" | "up-down counter">;

/** One that is undefined does not go out. */
export type MeterAttributes<N extends keyof Instruments> = {
  readonly [A in Instruments[N]["attributes"][number]]?: string | number | undefined;
};

export type Reading<N extends Observed> = { readonly value: number; readonly attributes: MeterAttributes<N> };

export type Meters = {
  /** Seconds, or tokens. */
  readonly record: <N extends Recorded>(name: N, value: number, attributes: MeterAttributes<N>) => void;
  readonly add: <N extends Counted>(name: N, count: number, attributes: MeterAttributes<N>) => void;
  /**
   * Asked whenever values go out, until it is disposed of. What several tell of one series adds up; what nobody tells
   * any more is 0.
   */
  readonly observe: <N extends Observed>(name: N, read: () => Iterable<Reading<N>>) => Disposable;
};
