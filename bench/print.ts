/** Figures for people: aligned lines; and as the table of `RESULTS.md`. */
import { cpus, totalmem, type } from "node:os";
import type { Figure } from "./figure.ts";

export function machineLine(): string {
  const [cpu] = cpus();
  const memory = `${(totalmem() / 1024 ** 3).toFixed(1)} GB`;
  return `${type()}, ${cpus().length} × ${cpu?.model ?? "?"}, ${memory}, node ${process.version}`;
}

export function lineOf(figure: Figure): string {
  const cells = cellsOf(figure);
  return [cells.name.padEnd(58), cells.p50.padStart(12), cells.p99.padStart(16), cells.ratio, cells.target]
    .join("  ")
    .trimEnd();
}

export function markdown(machine: string, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, p50, p99, ratio, target } = cellsOf(figure);
    return `| ${name} | ${p50} | ${p99.replace("p99 ", "")} | ${ratio} | ${target} |`;
  });
  return [
    "# Figures",
    "",
    `\`npm run bench\` on ${machine}. One run; other machines and other load give other figures, ratios hold better.`,
    "",
    "| what | p50, or the value | p99 | beside | target |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function cellsOf({ name, unit, n, p50, p99, ratio, target }: Figure) {
  return {
    name: n > 1 ? `${name} (n ${n})` : name,
    p50: `${rounded(p50)} ${unit}`,
    p99: p99 === undefined ? "" : `p99 ${rounded(p99)} ${unit}`,
    ratio: ratio === undefined ? "" : `${ratio.value.toFixed(1)} × ${ratio.to}`,
    target: target === undefined ? "" : `aim ${target}`,
  };
}

function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
