/**
 * The events of runs, as Knative's catalogue lists them (`kn eventtype list`): for people who look for them; nothing
 * works by it.
 *
 * Its spec cannot be changed, and is stored as v1beta2: attributes, their order and their missing values are as they come
 * back from there, so that writing it again changes nothing.
 */
import { EVENT_TYPES } from "#core/events/cloud-event.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import type { Config } from "../config.ts";
import { MANAGED } from "./names.ts";

export type EventType = ChildObject & {
  readonly spec: {
    readonly reference: Readonly<Record<"apiVersion" | "kind" | "name" | "namespace", string>>;
    readonly description: string;
    readonly attributes: readonly { readonly name: string; readonly required: true; readonly value?: string }[];
  };
};

const LISTED = [
  ["started", EVENT_TYPES.runStarted, "A run of a team or an agent has started."],
  ["waiting", EVENT_TYPES.runWaiting, "Nothing of a run goes on until a retry is due."],
  ["succeeded", EVENT_TYPES.runSucceeded, "A run has succeeded; its output is in the data."],
  ["failed", EVENT_TYPES.runFailed, "A run has failed; the reason is in the data."],
] as const;

export function eventTypes({ broker }: Pick<Config, "broker">): readonly EventType[] {
  return LISTED.map(([turn, type, description]) => ({
    metadata: { name: `ark-run-${turn}`, namespace: broker.namespace, labels: { ...MANAGED } },
    spec: {
      reference: { apiVersion: "eventing.knative.dev/v1", kind: "Broker", ...broker },
      description,
      attributes: [
        { name: "specversion", required: true },
        { name: "id", required: true },
        { name: "type", required: true, value: type },
        { name: "source", required: true },
      ],
    },
  }));
}
