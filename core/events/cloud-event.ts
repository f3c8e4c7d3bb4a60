/** CloudEvents that Ark makes (api 16): their types, sources and the extensions by which its own parts find their way. */
import type { CloudEventRecord } from "#core/ports/events.ts";

export const EVENT_TYPES = {
  webhook: "dev.ark.webhook",
  runRequested: "dev.ark.run.requested",
  runStarted: "dev.ark.run.started",
  runWaiting: "dev.ark.run.waiting",
  runSucceeded: "dev.ark.run.succeeded",
  runFailed: "dev.ark.run.failed",
} as const;

/** What runs tell of themselves: for whoever wants to know, so for nobody in particular. */
export const RUN_EVENT_TYPES: readonly string[] = [
  EVENT_TYPES.runStarted,
  EVENT_TYPES.runWaiting,
  EVENT_TYPES.runSucceeded,
  EVENT_TYPES.runFailed,
];

/**
 * `arkseq`: where the event stands in the outbox. `arkkey`: names the fire. `arkhop`: length of the chain of runs.
 * `arkreplay`: `<namespace>/<event>`, the one ArkEvent that a dead letter is sent again for. `arkletter`: which letter
 * it was.
 */
export const EXTENSIONS = {
  namespace: "arknamespace",
  event: "arkevent",
  team: "arkteam",
  agent: "arkagent",
  run: "arkrun",
  service: "arkservice",
  hop: "arkhop",
  key: "arkkey",
  seq: "arkseq",
  replay: "arkreplay",
  letter: "arkletter",
} as const;

/** The 17th hop is dead-lettered (api 1). */
export const MAX_HOPS = 16;

export function arkSource(
  namespace: string,
  kind: "arkevent" | "arkrun" | "arkteam" | "arkagent" | "arkservice",
  name: string,
): string {
  return `/ark/${namespace}/${kind}/${name}`;
}

export type WebhookFire = {
  readonly namespace: string;
  readonly event: string;
  /** Hex digest that names the fire among all fires of all events: brokers drop doubles by id alone. */
  readonly key: string;
  readonly firedAt: number;
  readonly body: unknown;
  readonly traceparent?: string;
};

/** The same fire gives the same event, however often it is published. */
export function webhookEvent(fire: WebhookFire): CloudEventRecord {
  return {
    specversion: "1.0",
    id: fire.key,
    source: arkSource(fire.namespace, "arkevent", fire.event),
    type: EVENT_TYPES.webhook,
    subject: fire.event,
    time: new Date(fire.firedAt).toISOString(),
    datacontenttype: "application/json",
    data: fire.body,
    extensions: {
      [EXTENSIONS.namespace]: fire.namespace,
      [EXTENSIONS.event]: fire.event,
      [EXTENSIONS.key]: fire.key,
      ...(fire.traceparent === undefined ? {} : { traceparent: fire.traceparent }),
    },
  };
}

/** An extension as text, or undefined. */
export function extension(event: CloudEventRecord, name: string): string | undefined {
  const value = event.extensions[name];
  return value === undefined || value === "" ? undefined : String(value);
}

/** A whole number of at least 0, or undefined. */
export function numberExtension(event: CloudEventRecord, name: string): number | undefined {
  const value = Number(extension(event, name) ?? "-1");
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
