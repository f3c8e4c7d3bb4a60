/**
 * W3C trace context: the one line that ties a run to the event that began it.
 *
 * C1  A line that is not well formed counts as none (W3C 3.2).
 * C2  The span of a run has an id that follows from the run's uid: whatever hangs under it can be made before it, by
 *     other processes, and making it twice makes the same span.
 */

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

export type TraceContext = { readonly traceId: string; readonly spanId: string; readonly flags: number };

/** C1. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function traceparentOf({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const SAMPLED = 1;

/** The context of a run that came without one; undefined where its uid is no UUID. Its run span is the root (C2). */
export function ownTraceparent(uid: string): string | undefined {
  const ids = idsOf(uid);
  return ids === undefined ? undefined : traceparentOf({ ...ids, flags: SAMPLED });
}

/** The run's own span, in the trace of `traceparent` (C2); undefined where one of the two is not well formed. */
export function runTraceparent(traceparent: string | undefined, uid: string): string | undefined {
  const context = parseTraceparent(traceparent);
  const ids = idsOf(uid);
  if (context === undefined || ids === undefined) return undefined;
  return traceparentOf({ ...context, spanId: ids.spanId });
}

function idsOf(uid: string): { readonly traceId: string; readonly spanId: string } | undefined {
  if (!UUID.test(uid)) return undefined;
  const traceId = uid.replaceAll("-", "");
  return { traceId, spanId: traceId.slice(16) };
}
