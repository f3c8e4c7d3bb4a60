/** A task that a router took, as the event that makes a run of it (type `dev.ark.run.requested`). */
import * as z from "zod";
import { dnsLabel } from "#core/api/v1alpha1/common.ts";
import type { AcceptedEvent, CloudEventRecord } from "#core/ports/events.ts";
import { arkSource, EVENT_TYPES, extension, EXTENSIONS } from "./cloud-event.ts";

export const ServiceTaskSchema = z.object({
  namespace: dnsLabel(63),
  run: dnsLabel(63),
  agent: dnsLabel(),
  prompt: z.string().min(1),
  input: z.record(z.string(), z.string()).exactOptional(),
  via: z.object({ service: dnsLabel(), instance: z.string().exactOptional(), session: z.string().exactOptional() }),
  /** Of the ArkService, which owns the run. */
  serviceUid: z.string(),
});
export type ServiceTask = z.output<typeof ServiceTaskSchema>;

/** The same task under the same key gives the same event. */
export function serviceTaskEvent(task: ServiceTask, key: string, at: number, traceparent?: string): AcceptedEvent {
  const { namespace, run, agent, via } = task;
  const cloudEvent: CloudEventRecord = {
    specversion: "1.0",
    id: key,
    source: arkSource(namespace, "arkservice", via.service),
    type: EVENT_TYPES.runRequested,
    subject: run,
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    data: task,
    extensions: {
      [EXTENSIONS.namespace]: namespace,
      [EXTENSIONS.service]: via.service,
      [EXTENSIONS.agent]: agent,
      [EXTENSIONS.run]: run,
      [EXTENSIONS.key]: key,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
  return { namespace, event: via.service, key, cloudEvent, firedAt: at };
}

export function isServiceTask(event: CloudEventRecord): boolean {
  return event.type === EVENT_TYPES.runRequested && extension(event, EXTENSIONS.service) !== undefined;
}
