/**
 * Posts what stands in the outbox to the Broker, until it has arrived (design 6).
 *
 * O1  A run's event is settled once the Broker has taken it; every other event once the dispatcher has confirmed it,
 *     for no class of broker promises that what it took arrives (P1). Until then it is posted again.
 *     A run's event that is sent again for one ArkEvent alone has one subscriber, and is confirmed like the others.
 * O2  Posting again is harmless: the event has the same id, and a run the same name.
 */
import { setTimeout as delay } from "node:timers/promises";
import { extension, EXTENSIONS, RUN_EVENT_TYPES } from "#core/events/cloud-event.ts";
import type { AcceptedEvent, CloudEventRecord, Outbox } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import { StoreUnavailable, type Delivery } from "#core/ports/record.ts";

export type PostOutcome = { readonly kind: "accepted" } | { readonly kind: "failed"; readonly reason: string };

export type RelayDeps = {
  readonly outbox: Pick<Outbox, "consume">;
  /** One POST to the Broker in binary mode; never rejects. */
  readonly post: (event: CloudEventRecord, signal: AbortSignal) => Promise<PostOutcome>;
  readonly log: Logger;
  readonly maxPending: number;
  /** After how long an unconfirmed event is posted again. */
  readonly againMs?: number;
  /** Something stood in the outbox. */
  readonly seen?: () => void;
};

const AGAIN_MS = 30_000;
const STORE_AWAY_MS = 1_000;

/** Until `signal`; resolves when no post is open. */
export async function relay(deps: RelayDeps, signal: AbortSignal): Promise<void> {
  const open = new Set<Promise<void>>();
  while (!signal.aborted) {
    try {
      for await (const delivery of deps.outbox.consume({ maxPending: deps.maxPending, signal })) {
        deps.seen?.();
        const posting: Promise<void> = forward(delivery, deps, signal).finally(() => open.delete(posting));
        open.add(posting);
        if (open.size >= deps.maxPending) await Promise.race(open);
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      deps.log.warn({ err: error }, "outbox away");
    }
    await delay(STORE_AWAY_MS, undefined, { signal }).catch(() => {});
  }
  await Promise.all(open);
}

async function forward(delivery: Delivery<AcceptedEvent>, deps: RelayDeps, signal: AbortSignal): Promise<void> {
  const { cloudEvent, namespace, event } = delivery.value;
  const endsWithBroker =
    RUN_EVENT_TYPES.includes(cloudEvent.type) && extension(cloudEvent, EXTENSIONS.replay) === undefined;
  // A run's event may have many subscribers: none of them settles it for the others.
  const place = endsWithBroker ? {} : { [EXTENSIONS.seq]: String(delivery.seq) };
  const extensions = { ...cloudEvent.extensions, ...place };
  const outcome = await deps.post({ ...cloudEvent, extensions }, signal);
  const againMs = deps.againMs ?? AGAIN_MS;
  if (outcome.kind === "failed") {
    deps.log.warn({ namespace, event, type: cloudEvent.type, reason: outcome.reason }, "event not posted");
    delivery.nak(Math.min(1_000 * 2 ** Math.min(delivery.deliveries, 5), againMs));
  } else if (endsWithBroker) {
    await delivery.ack().catch((error: unknown) => deps.log.warn({ err: error }, "event not settled"));
  } else delivery.nak(againMs);
}
