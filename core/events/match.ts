/** Which ArkEvents a CloudEvent on its way through the broker fires: what their Triggers' filters would say. */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { EVENT_TYPES, extension, EXTENSIONS } from "./cloud-event.ts";
import { passes } from "./filters.ts";

/** Whether this ArkEvent's Trigger lets the event through, as far as anybody but a broker can say: `cesql` it alone knows. */
export function isMeantFor(event: ArkEvent, cloudEvent: CloudEventRecord): boolean {
  const { source } = event.spec;
  switch (source.type) {
    case "webhook":
      return cloudEvent.type === EVENT_TYPES.webhook && names(event, cloudEvent);
    case "cron":
      return names(event, cloudEvent);
    case "team-output":
    case "cloudevent":
      return fires(event, cloudEvent) || JSON.stringify(source).includes('"cesql":');
  }
}

function names({ metadata }: ArkEvent, cloudEvent: CloudEventRecord): boolean {
  return (
    extension(cloudEvent, EXTENSIONS.namespace) === (metadata.namespace ?? "default") &&
    extension(cloudEvent, EXTENSIONS.event) === metadata.name
  );
}

/** Webhook and cron sources address their ArkEvent by name and are not matched. */
export function fires(event: ArkEvent, cloudEvent: CloudEventRecord): boolean {
  const { teamOutput, cloudevent } = event.spec.source;
  if (teamOutput !== undefined) return isEndOf(event, teamOutput, cloudEvent);
  return cloudevent !== undefined && passes(cloudEvent, cloudevent.filters);
}

type TeamOutput = NonNullable<ArkEvent["spec"]["source"]["teamOutput"]>;

function isEndOf({ metadata }: ArkEvent, upstream: TeamOutput, cloudEvent: CloudEventRecord): boolean {
  const wanted = upstream.onPhase === "Failed" ? EVENT_TYPES.runFailed : EVENT_TYPES.runSucceeded;
  return (
    cloudEvent.type === wanted &&
    extension(cloudEvent, EXTENSIONS.team) === upstream.name &&
    extension(cloudEvent, EXTENSIONS.namespace) === (metadata.namespace ?? "default")
  );
}
