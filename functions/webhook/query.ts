/** What the query says: how to answer, and how long to wait. */
import { DEFAULT_WAIT_MS, readWait } from "#core/runs/wait-query.ts";
import type { HttpProblem } from "#platform/http/exchange.ts";
import { badMode, badTimeout } from "./problems.ts";

export type Mode = { readonly kind: "async" } | { readonly kind: "sync" | "sse"; readonly timeoutMs: number };
export type ModeOutcome =
  | { readonly kind: "mode"; readonly mode: Mode }
  | { readonly kind: "refused"; readonly problem: HttpProblem };

export function readMode(query: URLSearchParams): ModeOutcome {
  const kind = query.get("mode") ?? "async";
  if (kind !== "async" && kind !== "sync" && kind !== "sse") return { kind: "refused", problem: badMode };
  const timeoutMs = readWait(query, "timeout") ?? DEFAULT_WAIT_MS;
  if (timeoutMs === "bad") return { kind: "refused", problem: badTimeout("timeout") };
  return { kind: "mode", mode: kind === "async" ? { kind } : { kind, timeoutMs } };
}
