/**
 * The facts of a run, ending where the run ends.
 *
 * The end shows in the object's status, which is written after the last fact was stored; what the stream of facts had
 * not brought by then is read once more from the record, so that nothing is missing and nothing comes twice.
 */
import type { StoredFact } from "#core/ports/record.ts";
import type { Cluster, Key } from "./cluster.ts";
import { followRun } from "./follow.ts";
import type { Io } from "./io.ts";

/** With `follow` also those to come, until the run has ended. Throws as `followRun` does. */
export async function* factsOf(
  cluster: Cluster,
  key: Key,
  { follow, whole = false }: { readonly follow: boolean; readonly whole?: boolean },
  io: Io,
): AsyncGenerator<StoredFact> {
  let lastSeq = 0;
  if (follow) {
    const stop = new AbortController();
    const signal = AbortSignal.any([io.signal, stop.signal]);
    const ended = followRun(cluster, key, { progress: "quiet" }, { ...io, signal }).finally(() => stop.abort());
    // Awaited below; a failure in the meantime must not count as unhandled.
    ended.catch(() => {});
    try {
      for await (const line of cluster.facts(key, { follow: true, whole }, signal)) {
        if ("tokens" in line) continue;
        lastSeq = line.seq;
        yield line;
      }
      await ended;
    } finally {
      // However the reading ends, nothing goes on watching: the command could not end.
      stop.abort();
    }
  }
  for await (const line of cluster.facts(key, { follow: false, whole, fromSeq: lastSeq + 1 }, io.signal)) {
    if (!("tokens" in line)) yield line;
  }
  if (io.signal.aborted) throw io.signal.reason;
}
