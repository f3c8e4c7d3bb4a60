/** What templates of a target see as `.trigger` (api 12). Data only: nothing in it is ever evaluated as a template. */
import type { CloudEventRecord } from "#core/ports/events.ts";
import { EVENT_TYPES, extension, EXTENSIONS } from "./cloud-event.ts";

export type TriggerContext = { readonly trigger: Readonly<Record<string, unknown>> };

export type TriggerFacts = {
  readonly name: string;
  readonly type: "webhook" | "cron" | "team-output" | "cloudevent";
  readonly firedAt: number;
  readonly cloudEvent: CloudEventRecord;
  /** team-output: the whole output of the run, loaded where the event only refers to it. */
  readonly output?: string;
};

export function triggerContext({ name, type, firedAt, cloudEvent, output }: TriggerFacts): TriggerContext {
  return {
    trigger: {
      name,
      firedAt: rfc3339(firedAt),
      event: attributes(cloudEvent),
      ...(type === "webhook" || type === "cloudevent" ? { body: cloudEvent.data ?? {} } : {}),
      ...(type === "team-output" ? { output: output ?? "", ...runOf(cloudEvent) } : {}),
    },
  };
}

/** Whole seconds in UTC, as Go's time.RFC3339 prints them. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function runOf(event: CloudEventRecord): Record<string, unknown> {
  const phase = event.type === EVENT_TYPES.runFailed ? "Failed" : "Succeeded";
  return { runName: extension(event, EXTENSIONS.run) ?? event.subject ?? "", phase };
}

function attributes(event: CloudEventRecord): Record<string, unknown> {
  const { data: _data, extensions, ...attributesOnly } = event;
  return { ...extensions, ...attributesOnly };
}
