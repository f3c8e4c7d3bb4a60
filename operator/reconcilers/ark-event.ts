/**
 * ArkEvent → token Secret, record for the webhook function, Trigger, PingSource, status.
 *
 * E1  The record is stored before the status says Ready: who reads Ready can fire.
 * E2  An event that is gone leaves nothing: what cannot be owned across namespaces or stands outside Kubernetes is
 *     taken away here, also when it went while nobody looked.
 * E3  Events that cannot be seen are not gone (D51).
 */
import { isDeepStrictEqual } from "node:util";
import { keyText, nameOf, type ObjectKey } from "#core/api/object-key.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { eventStatus, triggerRecord, type EventWorld } from "#core/reconcile/event.ts";
import { type ReplayOutcome, replayWhenAsked } from "#core/reconcile/replay.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import { DONE, type Deps, splitKey } from "../deps.ts";
import { pingSourceName, triggerName } from "../resources/names.ts";
import { pingSource } from "../resources/ping-source.ts";
import { trigger } from "../resources/trigger.ts";
import { eventChildren, type EventChildren, notReady, type NotReady } from "../state/event-children.ts";
import { regarding, tellNormal, tellWarning } from "../tell.ts";
import { writeStatus } from "../write-status.ts";
import { bearerToken } from "./bearer-token.ts";
import { type Fires, reconcileFires } from "./fires.ts";

const ANOTHER_GOES = { kind: "wait", reason: "another Trigger is on its way out", afterMs: 500 } as const;
/** Whether the run of the dead letter before has ended. */
const SENDING_LOOK_MS = 1_000;

type Unmade = Exclude<WorkOutcome, { kind: "done" }>;

export async function reconcileEvent(key: string, deps: Deps): Promise<WorkOutcome> {
  const event = deps.informers.events.get(key);
  if (event === undefined || event.metadata.deletionTimestamp !== undefined) return forget(splitKey(key), deps);
  const wanted = eventChildren(event);
  const noToken = await reconcileRecord(event, wanted, deps);
  const unmade = await reconcileChildren(event, wanted, deps);
  const fires = await reconcileFires(event, runsOf(event, deps), deps);
  if (fires.kind === "conflict") return { kind: "retry", reason: "another operator counted the fires" };
  const sending = await sendAgain(event, deps);
  if (sending === "conflict") return { kind: "retry", reason: "another operator sent dead letters again" };
  const unready: NotReady | undefined =
    unmade === undefined
      ? notReady(wanted, observed(event, deps))
      : { reason: "TriggerNotReady", message: unmade.reason };
  await showStatus(event, fires, noToken ?? unready, deps);
  return unmade ?? again(wanted, fires, sending === "going", deps);
}

/** Dead letters that were asked for. */
async function sendAgain(event: ArkEvent, deps: Deps): Promise<ReplayOutcome["kind"]> {
  const outcome = await replayWhenAsked(event, deps);
  const object = regarding("ArkEvent", event);
  if (outcome.kind === "replayed") tellNormal(deps.recorder, object, "Replayed", outcome.message);
  if (outcome.kind === "replayed" || (outcome.kind === "going" && outcome.sent > 0)) await deps.recountLetters();
  if (outcome.kind === "refused") tellWarning(deps.recorder, object, "ReplayRefused", outcome.message);
  return outcome.kind;
}

function again(
  wanted: EventChildren,
  fires: Extract<Fires, { kind: "tallied" }>,
  isSending: boolean,
  { config, now }: Deps,
): WorkOutcome {
  const times = [
    ...(wanted.token ? [config.resyncMs] : []),
    ...(isSending ? [SENDING_LOOK_MS] : []),
    ...(fires.againAt === undefined ? [] : [Math.max(fires.againAt - now(), 100)]),
  ];
  return times.length === 0 ? DONE : { kind: "wait", reason: "next look", afterMs: Math.min(...times) };
}

/** E1. Why the event has no token, or undefined. */
async function reconcileRecord(event: ArkEvent, wanted: EventChildren, deps: Deps): Promise<NotReady | undefined> {
  const { informers, triggers } = deps;
  const { namespace, name } = nameOf(event);
  const token = wanted.token ? await bearerToken(event, deps) : undefined;
  const digest = token?.kind === "digest" ? token.digest : undefined;
  const record = triggerRecord(event, (team) => informers.teams.get(`${namespace}/${team}`), digest);
  if (!isDeepStrictEqual(await triggers.get(namespace, name), record)) await triggers.put(record);
  return token?.kind === "missing" ? { reason: "SecretNotFound", message: token.message } : undefined;
}

/** When to come again for what is not done, and why; undefined: everything is. */
async function reconcileChildren(event: ArkEvent, wanted: EventChildren, deps: Deps): Promise<Unmade | undefined> {
  const { applier, config, triggerLane } = deps;
  const live = observed(event, deps);
  const key = nameOf(event);
  const outcomes = [
    wanted.trigger
      ? await triggerLane.ensure(trigger(event, config), live.trigger)
      : await triggerLane.remove(triggerKey(key, deps), live.trigger),
    wanted.pingSource
      ? await applier.ensure("PingSource", pingSource(event, config), live.pingSource)
      : await applier.remove("PingSource", pingKey(key), live.pingSource),
  ];
  for (const outcome of outcomes) {
    if (outcome === "later") return ANOTHER_GOES;
    if (outcome === "gone") continue;
    if (outcome?.kind === "refused") return { kind: "retry", reason: outcome.message };
  }
  return undefined;
}

function observed(event: ArkEvent, deps: Deps) {
  const key = nameOf(event);
  const { informers } = deps;
  return {
    trigger: informers.triggers.get(keyText(triggerKey(key, deps))),
    pingSource: informers.pingSources.get(keyText(pingKey(key))),
  };
}

function runsOf(event: ArkEvent, { informers }: Deps) {
  const { namespace, name } = nameOf(event);
  return [...informers.runs.values()].filter((run) => run.event === name && run.namespace === namespace);
}

async function showStatus(
  event: ArkEvent,
  { tally }: Extract<Fires, { kind: "tallied" }>,
  unready: NotReady | undefined,
  { informers, config, lettersOf, now, objects }: Deps,
): Promise<void> {
  const { namespace, name } = nameOf(event);
  const deadLetters = lettersOf(`${namespace}/${name}`);
  const world: EventWorld = {
    team: (of) => informers.teams.get(`${namespace}/${of}`),
    hasAgent: (of) => informers.agents.get(`${namespace}/${of}`) !== undefined,
    webhookBase: config.frontUrl,
    ...(unready !== undefined && { notReady: unready }),
    ...(deadLetters !== undefined && { deadLetters }),
    now: now(),
  };
  const status = {
    ...eventStatus(event, world),
    firedCount: tally.count,
    ...(tally.lastFiredAt !== undefined && { lastFiredAt: tally.lastFiredAt }),
  };
  await writeStatus(objects, "ArkEvent", event, status);
}

/** E2, E3. */
async function forget(key: ObjectKey, deps: Deps): Promise<WorkOutcome> {
  const { applier, config, informers } = deps;
  const { fault } = informers.events;
  if (fault !== undefined) return { kind: "wait", reason: fault, afterMs: config.resyncMs };
  const at = triggerKey(key, deps);
  await applier.remove("PingSource", pingKey(key), informers.pingSources.get(keyText(pingKey(key))));
  await deps.triggers.delete(key.namespace, key.name);
  await deps.tallies.delete(key.namespace, key.name);
  await deps.replays.delete(key.namespace, key.name);
  // After the record: what is accepted by it until then goes too.
  await deps.outbox.purge(key.namespace, key.name);
  const removed = await deps.triggerLane.remove(at, informers.triggers.get(keyText(at)));
  return removed === "gone" ? DONE : ANOTHER_GOES;
}

function triggerKey(event: ObjectKey, { config }: Pick<Deps, "config">): ObjectKey {
  return { namespace: config.broker.namespace, name: triggerName(event) };
}

function pingKey(event: ObjectKey): ObjectKey {
  return { namespace: event.namespace, name: pingSourceName(event) };
}
