/**
 * The Trigger of an ArkEvent (design 6).
 *
 * T1  `delivery` is whole, always (knative 1.1).
 * T2  The subscriber's path names the ArkEvent; the filter narrows to its source, or to the user's own filters.
 * T3  No Trigger has an owner, also where it stands beside its ArkEvent: garbage collection would take several away at
 *     once, and they must go one after another (N1). The reconciler takes it away when its ArkEvent is gone (E2).
 */
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { arkSource, EVENT_TYPES, EXTENSIONS } from "#core/events/cloud-event.ts";
import type { Config } from "../config.ts";
import type { Delivery, Destination, SubscriptionFilter, Trigger } from "./knative.ts";
import { LABELS, MANAGED, pingSourceName, triggerName } from "./names.ts";

export type TriggerConfig = Pick<Config, "namespace" | "broker" | "dispatcher">;

const RETRY = { retry: 8, backoffPolicy: "exponential", backoffDelay: "PT1S", timeout: "PT30S" } as const;

export function trigger(event: ArkEvent, config: TriggerConfig): Trigger {
  const { broker } = config;
  const key = nameOf(event);
  return {
    apiVersion: "eventing.knative.dev/v1",
    kind: "Trigger",
    metadata: {
      name: triggerName(key),
      namespace: broker.namespace,
      labels: { ...MANAGED, [LABELS.namespace]: key.namespace, [LABELS.event]: key.name },
    },
    spec: {
      broker: broker.name,
      filters: filtersOf(event, key),
      subscriber: dispatcherAt(`/events/${key.namespace}/${key.name}`, config),
      delivery: delivery(`/dead-letter/${key.namespace}/${key.name}`, config),
    },
  };
}

/** Nested teams: the engine asks for their runs by an event of its own, which belongs to no ArkEvent. */
export function runRequestsTrigger(config: TriggerConfig): Trigger {
  return {
    apiVersion: "eventing.knative.dev/v1",
    kind: "Trigger",
    metadata: { name: "ark-run-requests", namespace: config.broker.namespace, labels: { ...MANAGED } },
    spec: {
      broker: config.broker.name,
      filters: [{ exact: { type: EVENT_TYPES.runRequested } }],
      subscriber: dispatcherAt("/", config),
      delivery: delivery("/dead-letter", config),
    },
  };
}

/** The source of a PingSource's events, which a caught-up tick carries too. */
export function pingSourceUri(event: ObjectKey): string {
  return `/apis/v1/namespaces/${event.namespace}/pingsources/${pingSourceName(event)}`;
}

function filtersOf({ spec: { source } }: ArkEvent, key: ObjectKey): readonly SubscriptionFilter[] {
  switch (source.type) {
    case "webhook":
      return [{ exact: { type: EVENT_TYPES.webhook, source: arkSource(key.namespace, "arkevent", key.name) } }];
    case "cron":
      return [{ exact: { source: pingSourceUri(key) } }];
    case "team-output":
      return source.teamOutput === undefined ? [] : [endsOf(source.teamOutput, key.namespace)];
    case "cloudevent":
      return source.cloudevent?.filters ?? [];
  }
}

type TeamOutput = NonNullable<ArkEvent["spec"]["source"]["teamOutput"]>;

function endsOf({ name, onPhase }: TeamOutput, namespace: string): SubscriptionFilter {
  const type = onPhase === "Failed" ? EVENT_TYPES.runFailed : EVENT_TYPES.runSucceeded;
  return { exact: { type, [EXTENSIONS.team]: name, [EXTENSIONS.namespace]: namespace } };
}

function dispatcherAt(uri: string, { namespace, dispatcher }: TriggerConfig): Destination {
  return { ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: dispatcher, namespace }, uri };
}

/** T1. */
function delivery(deadLetterPath: string, config: TriggerConfig): Delivery {
  return { ...RETRY, deadLetterSink: dispatcherAt(deadLetterPath, config) };
}
