/**
 * A request that is held open for as long as work lasts: what keeps a pod of a scale-to-zero function alive.
 *
 * E1  The first line goes out at once and one more every `everyMs`, so that no proxy takes it for dead.
 * E2  A client that goes away ends the lines, never the work.
 */
import type { HttpReply } from "./exchange.ts";

/** `work` never rejects. */
export function held(work: Promise<void>, everyMs: number): HttpReply {
  return { kind: "ndjson", lines: beats(work, everyMs) };
}

async function* beats(work: Promise<void>, everyMs: number): AsyncGenerator<{ readonly working: boolean }> {
  let timer: NodeJS.Timeout | undefined;
  const ended = work.then(() => false);
  try {
    for (let working = true; working;) {
      yield { working };
      const beat = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, everyMs, true);
      });
      working = await Promise.race([ended, beat]);
      clearTimeout(timer);
    }
    yield { working: false };
  } finally {
    clearTimeout(timer);
  }
}
