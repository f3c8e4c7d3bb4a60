/** How long whoever asks over HTTP waits for a run (api 5, api 13). */
import { parseDuration } from "#core/duration.ts";

export const DEFAULT_WAIT_MS = 60_000;
export const LONGEST_WAIT_MS = 3_600_000;
const SHORTEST_MS = 1_000;

/** Milliseconds, undefined when absent, `bad` when it is no duration from 1s to 1h. */
export function readWait(query: URLSearchParams, name: string): number | undefined | "bad" {
  const text = query.get(name);
  if (text === null) return undefined;
  const ms = parseDuration(text);
  return ms === undefined || ms < SHORTEST_MS || ms > LONGEST_WAIT_MS ? "bad" : ms;
}
