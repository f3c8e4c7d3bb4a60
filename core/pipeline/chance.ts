/** Chance and names that derive from an attempt, so that folding the same facts twice gives the same state. */
import { sha256Hex } from "#core/template/sha256.ts";
import type { PlannedRetry } from "./graph.ts";

const encoder = new TextEncoder();

export function digestOf(text: string): string {
  return sha256Hex(encoder.encode(text));
}

/**
 * Full jitter: between 0 and the exponential bound of the retry after `errors` errors (from 1), spread by attempt.
 * A whole number of milliseconds, at least 1.
 */
export function backoffMs(retry: PlannedRetry, errors: number, attemptId: string): number {
  const bound = Math.min(retry.capMs, retry.durationMs * retry.factor ** (errors - 1));
  const share = Number.parseInt(digestOf(attemptId).slice(0, 8), 16) / 0x1_0000_0000;
  return Math.max(1, Math.round(bound * share));
}

/** The nested run of one attempt: the same name however often it is asked for (P1). */
export function childRunName(team: string, attemptId: string): string {
  return `${team}-run-${digestOf(attemptId).slice(0, 10)}`;
}
