/**
 * Which children an ArkEvent has, and whether they are in effect.
 *
 * C1  A suspended event's sources are taken away where they would do work for nothing. A Trigger of fires that Ark
 *     itself has accepted stays: the dispatcher settles them, and without it they would be posted for ever.
 * C2  So for a source that can never fire: Knative would refuse what is made of it, or keep it for nothing.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { sourceFault } from "#core/reconcile/event-fault.ts";
import type { ChildView } from "./views.ts";

export type EventChildren = { readonly trigger: boolean; readonly pingSource: boolean; readonly token: boolean };

export function eventChildren(event: ArkEvent): EventChildren {
  const { source, suspended } = event.spec;
  const idle = suspended || sourceFault(event) !== undefined;
  const ownFires = source.type === "webhook" || source.type === "cron";
  return {
    trigger: ownFires || !idle,
    pingSource: source.type === "cron" && !idle,
    token: source.type === "webhook",
  };
}

export type Observed = { readonly trigger: ChildView | undefined; readonly pingSource: ChildView | undefined };
export type NotReady = { readonly reason: string; readonly message: string };

/** Undefined: everything that shall be there is, and says that it works. */
export function notReady(wanted: EventChildren, observed: Observed): NotReady | undefined {
  const trigger = wanted.trigger ? fault("Trigger", observed.trigger) : undefined;
  if (trigger !== undefined)
    return { reason: trigger.isBroker ? "BrokerNotReady" : "TriggerNotReady", message: trigger.message };
  const ping = wanted.pingSource ? fault("PingSource", observed.pingSource) : undefined;
  return ping === undefined ? undefined : { reason: "TriggerNotReady", message: ping.message };
}

function fault(kind: string, child: ChildView | undefined): { message: string; isBroker: boolean } | undefined {
  if (child === undefined) return { message: `the ${kind} is being made`, isBroker: false };
  const { ready } = child;
  if (ready?.status === "True") return undefined;
  if (ready === undefined) return { message: `the ${kind} is not ready yet`, isBroker: false };
  const words = [ready.reason, ready.message].filter(Boolean).join(": ");
  return { message: `the ${kind} is not ready: ${words}`, isBroker: ready.reason.startsWith("Broker") };
}
