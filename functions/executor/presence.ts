/**
 * Tells routers that this instance is awake, and how much it has in hand.
 *
 * E1  Said on every change, at most ten times a second, and every `BEAT_MS` while there is none.
 * E2  A store that is away is no reason to work less: what could not be said is said next time.
 */
import type { Sleep } from "#core/agent/ports.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Announcements, Instance, Pool } from "#core/ports/services.ts";

export type Presence = {
  /** There is something new to say. */
  changed(): void;
  /** Until `signal`; then it takes its leave. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
};

const BEAT_MS = 5_000;
const SHORTEST_MS = 100;

export type PresenceDeps = {
  readonly instances: Announcements;
  readonly sleep: Sleep;
  readonly log: Logger;
};

export function createPresence(pool: Pool, self: () => Instance, deps: PresenceDeps): Presence {
  let poke = (): void => {};
  let isNew = false;
  const say = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      deps.log.debug({ err: error }, "presence not told");
    }
  };
  const news = async (signal: AbortSignal): Promise<void> => {
    if (isNew) return;
    const beat = new AbortController();
    poke = () => beat.abort();
    await deps.sleep(BEAT_MS, AbortSignal.any([signal, beat.signal]));
  };
  return {
    changed() {
      isNew = true;
      poke();
    },
    async run(signal) {
      while (!signal.aborted) {
        isNew = false;
        await say(() => deps.instances.announce(pool, self()));
        await deps.sleep(SHORTEST_MS, signal);
        await news(signal);
      }
      await say(() => deps.instances.leave(pool, self().instance));
    },
  };
}
