/** What a bench gives: figures of one run on one machine, never a verdict. */
export type Figure = {
  readonly name: string;
  readonly unit: "ms" | "runs/s" | "MB" | "bytes" | "count";
  readonly n: number;
  readonly p50: number;
  readonly p99?: number;
  /** Beside a bare server or process, measured in the same run. */
  readonly ratio?: { readonly to: string; readonly value: number };
  /** What the design aims at. */
  readonly target?: string;
};

export type Bench = { readonly name: string; readonly run: (options: BenchOptions) => Promise<readonly Figure[]> };
/** `baseline`: of the bare nats-server, once per run. */
export type BenchOptions = { readonly runs: number; readonly baseline: () => Promise<Baseline> };
export type Baseline = { readonly publishNextMs: number; readonly kvUpdateMs: number };

type Extra = Pick<Figure, "ratio" | "target">;

/** Percentiles of `samples`, nearest rank. */
export function figure(name: string, unit: Figure["unit"], samples: readonly number[], extra: Extra = {}): Figure {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { name, unit, n: sorted.length, p50: at(0.5), ...(sorted.length >= 20 && { p99: at(0.99) }), ...extra };
}

export function median(samples: readonly number[]): number {
  return figure("", "ms", samples).p50;
}
