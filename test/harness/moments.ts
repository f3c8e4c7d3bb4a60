/**
 * Moments of the work that a test can act on: what goes over the wire to nats-server, as it goes, and what the test
 * itself announces. A moment is a name; who waits for it gets the next one.
 */
import type { NatsConnection } from "@nats-io/transport-node";

export type Moments = {
  /** The next moment of this name. */
  next(name: string, signal: AbortSignal): Promise<void>;
  announce(name: string): void;
  /** How often each came. */
  counts(): ReadonlyMap<string, number>;
};

/** First match wins. */
const SUBJECTS: readonly (readonly [RegExp, string])[] = [
  [/^ark\.facts\..*\.run$/, "fact requested"],
  [/^ark\.facts\..*\.started$/, "fact started"],
  [/^ark\.facts\..*\.turn\./, "fact turn"],
  [/^ark\.facts\..*\.finished$/, "fact finished"],
  [/^ark\.tasks\./, "task stored"],
  [/^ark\.events\./, "event stored"],
  [/^\$KV\.ark-runs\./, "state put"],
  [/^\$KV\.ark-leases\./, "lease"],
  [/^\$KV\.ark-objects\./, "object written"],
  [/^\$KV\.ark-idempotency\./, "fire claimed"],
  [/^\$JS\.ACK\.ARK_FACTS\./, "fact acknowledged"],
  [/^\$JS\.ACK\.ARK_TASKS\./, "task acknowledged"],
  [/^\$JS\.ACK\.ARK_EVENTS\./, "event acknowledged"],
];

export function watchMoments(connection: NatsConnection): Moments {
  const waiting = new Map<string, (() => void)[]>();
  const counts = new Map<string, number>();
  const announce = (name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const resolvers = waiting.get(name) ?? [];
    waiting.delete(name);
    for (const resolve of resolvers) resolve();
  };
  for (const subject of ["ark.>", "$KV.>", "$JS.ACK.>"]) {
    connection.subscribe(subject, {
      callback: (_error, { subject: of }) => {
        const name = SUBJECTS.find(([pattern]) => pattern.test(of))?.[1];
        if (name !== undefined) announce(name);
      },
    });
  }
  return {
    announce,
    counts: () => counts,
    next: (name, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
        waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
      }),
  };
}
