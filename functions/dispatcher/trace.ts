/** The span of one event's dispatch; what the event starts carries it on. */
import { extension } from "#core/events/cloud-event.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import type { DispatcherDeps } from "./deps.ts";

/** The line of the trace, for what the event starts. */
export function traceOf(cloudEvent: CloudEventRecord): { readonly traceparent?: string } {
  const traceparent = extension(cloudEvent, "traceparent");
  return traceparent === undefined ? {} : { traceparent };
}

export async function traced(
  cloudEvent: CloudEventRecord,
  deps: DispatcherDeps,
  start: (cloudEvent: CloudEventRecord) => Promise<HandleOutcome>,
): Promise<HandleOutcome> {
  const span = deps.spans.begin("ark.dispatch", {
    kind: "consumer",
    parent: extension(cloudEvent, "traceparent"),
    attributes: { "cloudevents.event_type": cloudEvent.type, "cloudevents.event_source": cloudEvent.source },
  });
  try {
    const extensions = { ...cloudEvent.extensions, traceparent: span.traceparent };
    const outcome = await start({ ...cloudEvent, extensions });
    span.set({ "ark.outcome": outcome.kind });
    span.end(outcome.kind === "dead" ? outcome.code : undefined);
    return outcome;
  } catch (error) {
    span.end("_OTHER");
    throw error;
  }
}
