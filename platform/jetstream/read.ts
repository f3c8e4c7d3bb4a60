/**
 * Reads stored messages of one subject filter in order, without a consumer: batches of direct gets.
 *
 * P1  A reader holds one page: so many messages, or so many bytes and the message that crosses that line.
 *
 * The wait between two messages is bounded too. The client's iterator leaves its subscription open at the end of a batch,
 * its callback form does not: hence the callback.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { JetStreamStatusError } from "@nats-io/jetstream/internal";
import { deferred, errors } from "@nats-io/transport-node";
import type { Link } from "./link.ts";
import { reached } from "./reached.ts";

/** P1. */
const PAGE = { batch: 256, max_bytes: 256 * 1024 } as const;

export async function* readStored(
  link: Link,
  stream: string,
  filter: string,
): AsyncGenerator<StoredMsg, void, undefined> {
  for (let seq = 1; ;) {
    const page = await reached(readPage(link, stream, filter, seq));
    yield* page;
    const last = page.at(-1);
    if (last === undefined || last.pending <= 0) return;
    seq = last.seq + 1;
  }
}

async function readPage(link: Link, stream: string, filter: string, seq: number): Promise<StoredMsg[]> {
  const page: StoredMsg[] = [];
  const end = deferred<void>();
  const timer = setTimeout(() => end.reject(new errors.TimeoutError()), link.timeoutMs);
  try {
    const messages = await link.jsm.direct.getBatch(stream, {
      seq,
      next_by_subj: filter,
      ...PAGE,
      callback: (done, message) => {
        if (done === null) {
          page.push(message);
          timer.refresh();
        } else if (done.err === undefined || isNothing(done.err)) end.resolve();
        else end.reject(done.err);
      },
    });
    await end.finally(() => messages.stop());
    return page;
  } finally {
    clearTimeout(timer);
  }
}

function isNothing(error: Error): boolean {
  return error instanceof JetStreamStatusError && error.code === 404;
}
