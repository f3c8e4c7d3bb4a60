/** A loop that must not end before it is told to: what breaks it is logged, and it begins again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#core/ports/log.ts";

const PAUSE_MS = { first: 200, most: 5_000 } as const;

export async function forever(name: string, work: () => Promise<void>, log: Logger, stop: AbortSignal): Promise<void> {
  for (let pause: number = PAUSE_MS.first; !stop.aborted; pause = Math.min(pause * 2, PAUSE_MS.most)) {
    try {
      await work();
      if (stop.aborted) return;
      log.warn({ loop: name }, "loop ended; it begins again");
    } catch (error) {
      if (stop.aborted) return;
      log.warn({ loop: name, err: error }, "loop broke; it begins again");
    }
    await delay(pause, undefined, { signal: stop }).catch(() => undefined);
  }
}
