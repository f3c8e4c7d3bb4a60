/** Takes one message out of a stream by its sequence; one that is gone already is fine. */
import type { Link } from "./link.ts";
import { API, hasCode, reached } from "./reached.ts";

export async function removeMessage(link: Link, stream: string, seq: number): Promise<void> {
  try {
    await reached(link.jsm.streams.deleteMessage(stream, seq, false));
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Deleting has a code for every failure; only its words say that there was nothing to delete. */
function isGone(error: unknown): boolean {
  if (hasCode(error, API.messageNotFound, API.messageNotFoundBySeq)) return true;
  return error instanceof Error && hasCode(error, API.deleteFailed) && error.message === "no message found";
}
