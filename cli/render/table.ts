/** Tables as kubectl prints them: upper-case heads, three spaces between columns, no lines. */
import { oneLine, padEnd, width } from "./style.ts";

const GAP = 3;

/** Rows shorter than `heads` are filled with empty cells; the last column is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heads.map((head) => head.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ""))));
  const lines = cells.map((row) =>
    heads
      .map((_, column) => {
        const cell = row[column] ?? "";
        return column === heads.length - 1 ? cell : padEnd(cell, (widths[column] ?? 0) + GAP);
      })
      .join("")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
