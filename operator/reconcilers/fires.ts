/**
 * The fires of an ArkEvent: counted by its runs, and its missed ticks sent after (design 6).
 *
 * F1  The tally is stored before a status shows it; of two leaders one writes it (D35).
 * F2  A missed tick is in the outbox before it counts as looked at; sent twice, it is one fire by its key (P1).
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EXTENSIONS } from "#core/events/cloud-event.ts";
import type { FireTally } from "#core/ports/events.ts";
import { type FiredRun, isCounted, tallyFires } from "#core/reconcile/fires.ts";
import { tickKey } from "#core/schedule/ticks.ts";
import type { Deps } from "../deps.ts";
import { digest } from "../resources/names.ts";
import { pingSourceUri } from "../resources/trigger.ts";
import { lookAtTicks, type TickLook } from "../state/ticks.ts";
import type { RunView } from "../state/views.ts";
import { regarding, tellNormal } from "../tell.ts";

export type Fires =
  | { readonly kind: "tallied"; readonly tally: FireTally; readonly againAt: number | undefined }
  /** Another leader wrote meanwhile. */
  | { readonly kind: "conflict" };

export async function reconcileFires(event: ArkEvent, runs: readonly RunView[], deps: Deps): Promise<Fires> {
  const { namespace, name } = nameOf(event);
  const { uid = "" } = event.metadata;
  const { tally: before, revision } = (await deps.tallies.get(namespace, name)) ?? NEVER;
  const { tally, fresh, changed } = tallyFires(uid, before, firedBy(runs));
  const look = lookAtTicks(event, {
    until: tally.ticksUntil,
    now: deps.now(),
    hasFired: (tick) => isCounted(tally, digest(tickKey(tick))),
    runs,
  });
  for (const tick of look.missed) await publishTick(event, tick, deps);
  const next = look.until === undefined ? tally : { ...tally, ticksUntil: look.until };
  if (changed || isWorthStoring(look, tally)) {
    const outcome = await deps.tallies.put(namespace, name, next, revision);
    if (outcome === "conflict") return { kind: "conflict" };
  }
  if (fresh > 0) tellNormal(deps.recorder, regarding("ArkEvent", event), "Fired", "a run was started");
  return { kind: "tallied", tally: next, againAt: look.againAt };
}

const NEVER = { tally: undefined, revision: 0 } as const;

function firedBy(runs: readonly RunView[]): readonly FiredRun[] {
  return runs.flatMap(({ eventKey, createdAt }) => (eventKey === undefined ? [] : [{ eventKey, createdAt }]));
}

/** Where the look has come to matters only once a tick has passed. */
const STORE_EVERY_MS = 30_000;

function isWorthStoring({ missed, until }: TickLook, { ticksUntil }: FireTally): boolean {
  if (until === undefined) return false;
  return ticksUntil === undefined || missed.length > 0 || until - ticksUntil >= STORE_EVERY_MS;
}

/** As the PingSource would have sent it, so that the event's Trigger lets it through. */
async function publishTick(event: ArkEvent, tickMs: number, deps: Deps): Promise<void> {
  const { namespace, name } = nameOf(event);
  const { uid = "" } = event.metadata;
  const key = tickKey(tickMs);
  const cloudEvent = {
    specversion: "1.0",
    id: digest(`${uid}/${key}`),
    source: pingSourceUri({ namespace, name }),
    type: "dev.knative.sources.ping",
    time: new Date(tickMs).toISOString(),
    datacontenttype: "application/json",
    data: {},
    extensions: { [EXTENSIONS.namespace]: namespace, [EXTENSIONS.event]: name, [EXTENSIONS.key]: key },
  } as const;
  await deps.outbox.publish({ namespace, event: name, key, cloudEvent, firedAt: tickMs }, uid);
  deps.log.info({ namespace, event: name, tick: key }, "missed tick sent after");
  tellNormal(deps.recorder, regarding("ArkEvent", event), "CaughtUp", `the tick of ${key} was missed and is sent now`);
}
