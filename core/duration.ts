/**
 * Go durations (`90s`, `1h30m`, `250ms`), the form Kubernetes and the user's documents use.
 * Source: Go's time.ParseDuration; units below a millisecond are refused, negative ones too.
 */

/** Timers count in 31 bits, 24 days: one that is longer goes off at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/y;

/** Milliseconds, or undefined when `text` is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  let totalMs = 0;
  PART.lastIndex = 0;
  let end = 0;
  for (let match = PART.exec(text); match !== null; match = PART.exec(text)) {
    totalMs += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN);
    end = PART.lastIndex;
  }
  return end > 0 && end === text.length ? Math.round(totalMs) : undefined;
}

/** The shortest Go duration that `parseDuration` reads back as `ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.round(ms);
  let text = "";
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
