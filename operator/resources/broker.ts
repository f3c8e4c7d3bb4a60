/**
 * The Broker, where its class is the operator's setting (knative 2). Nothing of Ark needs what only one class gives.
 */
import type { ChildObject } from "#platform/kube/children.ts";
import type { Config } from "../config.ts";
import { MANAGED } from "./names.ts";

type BrokerConfig = Pick<Config, "broker" | "brokerClass">;

/** Undefined: the Broker is somebody else's. */
export function broker({ broker: { namespace, name }, brokerClass }: BrokerConfig): ChildObject | undefined {
  if (brokerClass === undefined) return undefined;
  const settings = brokerClass === "NatsJetStreamBroker" ? natsSettings(namespace) : {};
  return {
    metadata: {
      name,
      namespace,
      labels: { ...MANAGED },
      annotations: { "eventing.knative.dev/broker.class": brokerClass, ...settings },
    },
  };
}

/**
 * Always whole: what is left out falls back to nothing, not to a default (knative 2.2). A filter without NAMESPACE serves
 * the Triggers of every Broker of this class, and each event is delivered twice (knative 1.4).
 */
function natsSettings(namespace: string): Record<string, string> {
  const config = {
    stream: { retention: "Limits", maxAge: "72h", maxBytes: 1_073_741_824, duplicateWindow: "10m", storage: "File" },
    filter: { env: [{ name: "NAMESPACE", value: namespace }] },
  };
  return { "natsjetstream.eventing.knative.dev/config": JSON.stringify(config) };
}
