/**
 * One attempt held by this executor: its lease and its task are kept alive together.
 *
 * L2  A refused renewal means lost, for good: the attempt was taken by another, or revoked by a cancel.
 * L3  After a loss nothing is published and nothing acknowledged; `signal` is how the work learns of it (E3).
 * L5  A store that is away is no loss until the lease must have run out by itself.
 * L6  A renewal that breaks in any other way is a loss, and why is the signal's reason: nobody waits for a heartbeat, so
 *     thrown it would end the process, and with it every other task in hand.
 */
import { StoreUnavailable, type Delivery, type Lease } from "#core/ports/record.ts";

export type Holding = {
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
  readonly lost: boolean;
  /** Stops the heartbeat; the lease stays. */
  stop(): void;
};

export type HoldOptions = {
  readonly heartbeatMs: number;
  /** How long the store may be away before the lease counts as lost. */
  readonly graceMs: number;
  readonly now: () => number;
};

export function hold(lease: Lease, delivery: Delivery<unknown>, options: HoldOptions): Holding {
  const gone = new AbortController();
  let heldAt = options.now();
  let renewing = false;

  const lose = (why?: unknown): void => {
    clearInterval(timer);
    gone.abort(why);
  };
  const beat = async (): Promise<void> => {
    if (renewing || gone.signal.aborted) return;
    renewing = true;
    const asOf = options.now();
    try {
      delivery.working();
      const held = await renew(lease);
      if (held === "held") heldAt = asOf;
      else if (held === "lost" || options.now() - heldAt > options.graceMs) lose();
    } catch (error) {
      // L6.
      lose(error);
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => void beat(), options.heartbeatMs);

  return {
    signal: gone.signal,
    get lost() {
      return gone.signal.aborted;
    },
    stop: () => clearInterval(timer),
  };
}

async function renew(lease: Lease): Promise<"held" | "lost" | "away"> {
  try {
    return await lease.renew();
  } catch (error) {
    if (error instanceof StoreUnavailable) return "away";
    throw error;
  }
}
