/** The PingSource of a cron ArkEvent. It neither catches up nor promises once: both are the operator's (knative 7). */
import { nameOf } from "#core/api/object-key.ts";
import { parseCron } from "#core/api/cron.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EXTENSIONS } from "#core/events/cloud-event.ts";
import type { Config } from "../config.ts";
import type { PingSource } from "./knative.ts";
import { LABELS, MANAGED, ownerOf, pingSourceName } from "./names.ts";

export function pingSource(event: ArkEvent, { broker }: Pick<Config, "broker">): PingSource {
  const key = nameOf(event);
  const { cron = "", timeZone } = event.spec.source;
  return {
    apiVersion: "sources.knative.dev/v1",
    kind: "PingSource",
    metadata: {
      name: pingSourceName(key),
      namespace: key.namespace,
      labels: { ...MANAGED, [LABELS.namespace]: key.namespace, [LABELS.event]: key.name },
      ownerReferences: [ownerOf(event)],
    },
    spec: {
      schedule: scheduleOf(cron),
      ...(timeZone !== undefined && { timezone: timeZone }),
      contentType: "application/json",
      data: "{}",
      ceOverrides: { extensions: { [EXTENSIONS.namespace]: key.namespace, [EXTENSIONS.event]: key.name } },
      sink: {
        ref: { apiVersion: "eventing.knative.dev/v1", kind: "Broker", name: broker.name, namespace: broker.namespace },
      },
    },
  };
}

/** In the dialect that Knative reads too: it refuses Sunday as 7, which is as good here. */
function scheduleOf(cron: string): string {
  const parsed = parseCron(cron);
  return parsed.kind === "cron" ? parsed.cron.text : cron.trim();
}
