/** Times as people read them in tables and progress lines. */

/** `0.4s`, `6.3s`, `2m05s`, `1h02m`. */
export function elapsed(ms: number): string {
  const clamped = Math.max(0, ms);
  if (clamped < 59_950) return `${(clamped / 1_000).toFixed(1)}s`;
  const seconds = Math.round(clamped / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
  return `${Math.floor(seconds / 3_600)}h${String(Math.floor((seconds % 3_600) / 60)).padStart(2, "0")}m`;
}

const STEPS: readonly (readonly [unit: string, seconds: number, upTo: number])[] = [
  ["s", 1, 120],
  ["m", 60, 3 * 3_600],
  ["h", 3_600, 48 * 3_600],
  ["d", 86_400, 2 * 365 * 86_400],
  ["y", 365 * 86_400, Number.POSITIVE_INFINITY],
];

/** Age as kubectl shows it: `5s`, `12m`, `26h`, `3d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [unit, size] = STEPS.find(([, , upTo]) => seconds < upTo) ?? ["y", 365 * 86_400];
  return `${Math.floor(seconds / size)}${unit}`;
}

/** Milliseconds of an RFC 3339 time, or undefined. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
