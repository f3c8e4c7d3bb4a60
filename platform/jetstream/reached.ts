/**
 * Classifies what the NATS client throws, once (style 5). Whatever may pass when the server is back becomes
 * `StoreUnavailable` (P8); everything else is a bug, or an answer that the caller asked for by its code.
 */
import { JetStreamApiError, jserrors, JetStreamStatusError } from "@nats-io/jetstream/internal";
import { errors } from "@nats-io/transport-node";
import { StoreUnavailable } from "#core/ports/record.ts";

/** Codes of the JetStream API (nats-server, server/errors.json). */
export const API = {
  consumerNotFound: 10014,
  messageNotFound: 10037,
  messageNotFoundBySeq: 10043,
  noStorage: 10047,
  deleteFailed: 10057,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  storeFailed: 10077,
  consumerExists: 10148,
  wrongLastSequenceUnknown: 10164,
} as const;

/** Besides 503 (no room, no leader): a stream not provisioned yet, and one that is full until others have gone. */
const MAY_PASS: ReadonlySet<number> = new Set([API.streamNotFound, API.storeFailed]);

const AWAY = [
  errors.TimeoutError,
  errors.ClosedConnectionError,
  errors.DrainingConnectionError,
  errors.ConnectionError,
  errors.NoRespondersError,
  jserrors.JetStreamNotEnabled,
] as const;

/** A pull that waits is turned away: by a server that stops, one that leads no more, or one that has enough of them. */
const TURNED_AWAY = /^(server shutdown|leadership change|exceeded maxwaiting)/;

/** What the client says of requests and pings that the line took along; it has no class of its own for them. */
const LINE_DOWN: ReadonlySet<string> = new Set(["connection disconnected", "connection closed", "cancelled"]);

/** Resolves as `work` does; rejects with `StoreUnavailable` when the store could not be reached or had no room. */
export async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  }
}

export function unavailable(cause: unknown): StoreUnavailable {
  if (cause instanceof StoreUnavailable) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailable(`NATS JetStream: ${why}`, { cause });
}

export function isAway(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true;
  if (AWAY.some((kind) => error instanceof kind)) return true;
  if (error instanceof errors.RequestError) return error.isNoResponders() || LINE_DOWN.has(error.message);
  if (error instanceof JetStreamApiError) return error.status === 503 || MAY_PASS.has(error.code);
  return isTurnedAway(error) || (error instanceof JetStreamStatusError && (error.code === 503 || error.code === 408));
}

export function isTurnedAway(error: unknown): boolean {
  return error instanceof JetStreamStatusError && error.code === 409 && TURNED_AWAY.test(error.message);
}

export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

/** Another writer came between: the expected last sequence is not the stored one. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, API.wrongLastSequence, API.wrongLastSequenceUnknown);
}
