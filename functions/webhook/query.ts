/** What the query says: how to answer, and how long to wait. */
import { parseDuration } from "#core/duration.ts";
import type { HttpProblem } from "#platform/http/exchange.ts";
import { badMode, badTimeout } from "./problems.ts";

export type Mode = { readonly kind: "async" } | { readonly kind: "sync" | "sse"; readonly timeoutMs: number };
export type ModeOutcome =
  | { readonly kind: "mode"; readonly mode: Mode }
  | { readonly kind: "refused"; readonly problem: HttpProblem };

const DEFAULT_TIMEOUT_MS = 60_000;
const SHORTEST_MS = 1_000;
const LONGEST_MS = 3_600_000;

export function readMode(query: URLSearchParams): ModeOutcome {
  const kind = query.get("mode") ?? "async";
  if (kind !== "async" && kind !== "sync" && kind !== "sse") return { kind: "refused", problem: badMode };
  const timeoutMs = readWait(query, "timeout") ?? DEFAULT_TIMEOUT_MS;
  if (timeoutMs === "bad") return { kind: "refused", problem: badTimeout("timeout") };
  return { kind: "mode", mode: kind === "async" ? { kind } : { kind, timeoutMs } };
}

/** Milliseconds, undefined when absent, `bad` when it is no duration from 1s to 1h. */
export function readWait(query: URLSearchParams, name: string): number | undefined | "bad" {
  const text = query.get(name);
  if (text === null) return undefined;
  const ms = parseDuration(text);
  return ms === undefined || ms < SHORTEST_MS || ms > LONGEST_MS ? "bad" : ms;
}
