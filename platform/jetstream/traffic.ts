/**
 * What passes the doors of the queues, by the stream it passes (OpenTelemetry messaging semantic conventions). A subject
 * would name runs.
 *
 * C1  Each delivery counts, also of what comes again: the server did deliver it. Each sending counts, also of what was
 *     stored already.
 * C2  A delivery is processed once: by its first acknowledgement or handing back. One that is never settled, for its
 *     lease was lost or it went to another instance, is not.
 */
import type { Meters } from "#core/ports/meters.ts";

export type Traffic = {
  readonly sent: <T>(stream: string, sending: Promise<T>) => Promise<T>;
  readonly consumed: (stream: string) => void;
  /** A delivery is in hand, until the first call of what this returns; `error`: a short, stable code. */
  readonly inHand: (stream: string) => (error?: string) => void;
};

export const HANDED_BACK = "handed_back";

export function trafficOf(meters: Meters): Traffic {
  return {
    async sent(stream, sending) {
      try {
        const done = await sending;
        meters.add("messaging.client.sent.messages", 1, attributesOf(stream));
        return done;
      } catch (error) {
        meters.add("messaging.client.sent.messages", 1, { ...attributesOf(stream), "error.type": typeOf(error) });
        throw error;
      }
    },
    consumed: (stream) => meters.add("messaging.client.consumed.messages", 1, attributesOf(stream)),
    inHand(stream) {
      const since = performance.now();
      let settled = false;
      return (error) => {
        if (settled) return;
        settled = true;
        const seconds = (performance.now() - since) / 1_000;
        meters.record("messaging.process.duration", seconds, { ...attributesOf(stream), "error.type": error });
      };
    },
  };
}

/** Of whoever counts nothing. */
export const UNCOUNTED: Traffic = { sent: (_stream, sending) => sending, consumed: () => {}, inHand: () => () => {} };

function attributesOf(stream: string) {
  return { "messaging.system": "nats", "messaging.destination.name": stream };
}

export function typeOf(error: unknown): string {
  return error instanceof Error ? error.name : "_OTHER";
}
