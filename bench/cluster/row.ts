/** One line of the table: a value beside a baseline of the same run; never a verdict. */
import { machineLine } from "../print.ts";

export type Sample = { readonly unit: "ms" | "MB" | "per s" | "count" | "s"; readonly values: readonly number[] };

export type Row = {
  readonly figure: string;
  readonly value: Sample;
  readonly baseline?: Sample & { readonly what: string };
  readonly target?: string;
};

export const ms = (values: readonly number[]): Sample => ({ unit: "ms", values });
export const one = (unit: Sample["unit"], value: number): Sample => ({ unit, values: [value] });

/** Nearest rank. */
export function rank(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => rank(values, 0.5);

const HEAD = ["figure", "value", "baseline", "ratio", "target"] as const;

export function table(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const aligned = (line: readonly string[]) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return lines.map((line) => aligned(line).trimEnd()).join("\n");
}

/** A section of `RESULTS.md`. */
export function markdown(rows: readonly Row[], command: string): string {
  const lines = [HEAD, HEAD.map(() => "---"), ...rows.map(cells)].map((line) => `| ${line.join(" | ")} |`);
  const where = `\`${command}\` on ${machineLine()}; one node, cluster and caller on the same cores.`;
  return ["## Cluster", "", where, "", ...lines, ""].join("\n");
}

function cells({ figure, value, baseline, target = "" }: Row): readonly string[] {
  if (baseline === undefined) return [figure, shown(value), "", "", target];
  const ratio = `${(median(value.values) / median(baseline.values)).toFixed(2)} ×`;
  return [figure, shown(value), `${baseline.what}: ${shown(baseline)}`, ratio, target];
}

/** The median; of few the bounds, of many the 99th percentile. */
function shown({ unit, values }: Sample): string {
  const name = unit === "count" ? "" : ` ${unit}`;
  const middle = `${rounded(median(values))}${name}`;
  if (values.length < 2) return middle;
  if (values.length >= 20) return `${middle}, p99 ${rounded(rank(values, 0.99))} (n ${values.length})`;
  return `${middle} (${rounded(Math.min(...values))}–${rounded(Math.max(...values))}, n ${values.length})`;
}

function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
