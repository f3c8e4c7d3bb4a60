/**
 * The broker of one machine: takes accepted events from the outbox and hands each to the dispatcher, once for every
 * ArkEvent it fires.
 *
 * Y1  An event leaves the outbox when everything it causes is stored; until then it comes again (P1).
 * Y2  After `TRIES` deliveries the dispatcher is told that this is the last one; it dead-letters what still waits.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EVENT_TYPES } from "#core/events/cloud-event.ts";
import { fires } from "#core/events/match.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { AcceptedEvent, Outbox } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import { type Delivery, StoreUnavailable } from "#core/ports/record.ts";
import type { DispatcherDeps } from "../functions/dispatcher/deps.ts";
import { handle } from "../functions/dispatcher/handler.ts";

export type DeliverDeps = {
  readonly outbox: Pick<Outbox, "consume">;
  readonly dispatcher: DispatcherDeps;
  readonly events: () => readonly ArkEvent[];
  readonly log: Logger;
};

const TRIES = 10;
const MAX_PENDING = 128;
const PAUSE_MS = { first: 1_000, most: 60_000 } as const;

/** Until `signal`; resolves when nothing is in hand. Rejects when the outbox cannot be consumed. */
export async function deliver(deps: DeliverDeps, signal: AbortSignal): Promise<void> {
  const inHand = new Set<Promise<void>>();
  for await (const delivery of deps.outbox.consume({ maxPending: MAX_PENDING, signal })) {
    const work = deliverOne(delivery, deps).finally(() => inHand.delete(work));
    inHand.add(work);
  }
  await Promise.all(inHand);
}

async function deliverOne(delivery: Delivery<AcceptedEvent>, deps: DeliverDeps): Promise<void> {
  const outcome = await dispatchAll(delivery, deps);
  if (outcome.kind === "retry") delivery.nak(pauseMs(delivery.deliveries));
  else await delivery.ack().catch((error: unknown) => deps.log.warn({ err: error }, "event not acknowledged"));
}

async function dispatchAll({ value, deliveries }: Delivery<AcceptedEvent>, deps: DeliverDeps): Promise<HandleOutcome> {
  const { namespace, cloudEvent } = value;
  const lastTry = deliveries >= TRIES;
  try {
    if (isAddressed(value))
      return await handle({ cloudEvent, namespace, event: value.event, lastTry }, deps.dispatcher);
    if (cloudEvent.type === EVENT_TYPES.runRequested)
      return await handle({ cloudEvent, namespace, lastTry }, deps.dispatcher);
    const fired = deps.events().filter((event) => isIn(event, namespace) && fires(event, cloudEvent));
    const outcomes = await Promise.all(
      fired.map((event) => handle({ cloudEvent, namespace, event: nameOf(event), lastTry }, deps.dispatcher)),
    );
    return outcomes.find(({ kind }) => kind === "retry") ?? { kind: "done" };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) deps.log.error({ err: error, namespace }, "event not dispatched");
    return { kind: "retry", afterMs: PAUSE_MS.first, reason: String(error) };
  }
}

/** Webhook and cron fires name their ArkEvent; every other event is matched. */
function isAddressed({ cloudEvent, event }: AcceptedEvent): boolean {
  return cloudEvent.extensions["arkevent"] === event && !cloudEvent.type.startsWith("dev.ark.run.");
}

function isIn(event: ArkEvent, namespace: string): boolean {
  return (event.metadata.namespace ?? "default") === namespace;
}

function nameOf(event: ArkEvent): string {
  return event.metadata.name ?? "";
}

function pauseMs(deliveries: number): number {
  return Math.min(PAUSE_MS.first * 2 ** (deliveries - 1), PAUSE_MS.most);
}
