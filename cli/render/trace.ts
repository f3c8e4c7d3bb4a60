/** A trace as a tree with times and bars. Pure. */
import type { Span } from "./spans.ts";
import { oneLine, padEnd, truncate, width, type Style } from "./style.ts";
import { elapsed } from "./time.ts";

const BAR_COLUMNS = 24;
const NAME_COLUMNS = 56;

export function traceText(root: Span, options: { readonly now: number; readonly style: Style }): string {
  const rows = flatten(root, "", "");
  const nameWidth = Math.min(NAME_COLUMNS, Math.max(...rows.map((row) => width(row.label))));
  const total = Math.max(1, (root.endedAt ?? options.now) - root.startedAt);
  const lines = rows.map(({ label, span }) => {
    const ms = (span.endedAt ?? options.now) - span.startedAt;
    const bar = barOf(span.startedAt - root.startedAt, ms, total);
    const note = span.note === "" ? "" : `  ${options.style.dim(oneLine(span.note))}`;
    const name = padEnd(truncate(label, nameWidth), nameWidth);
    return `${name}  ${options.style.cyan(bar)}  ${elapsed(ms).padStart(7)}${note}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

type Row = { readonly label: string; readonly span: Span };

function flatten(span: Span, lead: string, below: string): readonly Row[] {
  const rows: Row[] = [{ label: `${lead}${oneLine(span.name)}`, span }];
  span.children.forEach((child, index) => {
    const isLast = index === span.children.length - 1;
    rows.push(...flatten(child, `${below}${isLast ? "└─ " : "├─ "}`, `${below}${isLast ? "   " : "│  "}`));
  });
  return rows;
}

function barOf(offsetMs: number, ms: number, totalMs: number): string {
  const from = Math.min(BAR_COLUMNS - 1, Math.floor((offsetMs / totalMs) * BAR_COLUMNS));
  const length = Math.max(1, Math.min(BAR_COLUMNS - from, Math.round((ms / totalMs) * BAR_COLUMNS)));
  return `${" ".repeat(from)}${"▇".repeat(length)}${" ".repeat(BAR_COLUMNS - from - length)}`;
}
