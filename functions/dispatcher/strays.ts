/**
 * Dead letters that were never this ArkEvent's.
 *
 * A Trigger that is gone may leave its subscriber in the Broker's channel (Knative writes that list as it last saw it).
 * From then on every event of the Broker, whatever its filter said, comes to its dead-letter sink. Such an event must
 * neither fire the ArkEvent of this name, nor be recorded as its loss, nor be confirmed in the outbox: its own
 * Trigger brings it too (P1).
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EVENT_TYPES, EXTENSIONS, extension, RUN_EVENT_TYPES } from "#core/events/cloud-event.ts";
import { isMeantFor } from "#core/events/match.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";

type Place = { readonly namespace: string; readonly event: string };

/** `event`: the ArkEvent at `place`, where there is one. */
export function isStray(cloudEvent: CloudEventRecord, place: Place, event: ArkEvent | undefined): boolean {
  if (cloudEvent.type === EVENT_TYPES.webhook) return !names(cloudEvent, place);
  if (event === undefined) return RUN_EVENT_TYPES.includes(cloudEvent.type);
  return !isMeantFor(event, cloudEvent);
}

function names(cloudEvent: CloudEventRecord, { namespace, event }: Place): boolean {
  return extension(cloudEvent, EXTENSIONS.namespace) === namespace && extension(cloudEvent, EXTENSIONS.event) === event;
}
