/** The Broker that Ark's events go through. */
import type { Kube } from "#platform/kube/client.ts";
import { conditionOf, fail, look, messageOf, ok, SYSTEM, unseen, warn, type Check, type Meta } from "./check.ts";

const BROKER_CLASS = "eventing.knative.dev/broker.class";
const BROKER_HINT = `The operator makes it once it runs: kubectl logs -n ${SYSTEM} deployment/ark-operator`;
const NATS_BROKER_CONFIG = "natsjetstream.eventing.knative.dev/config";
const MESSAGING = `/apis/messaging.knative.dev/v1/namespaces/${SYSTEM}`;

export async function checkBroker(kube: Kube): Promise<Check> {
  const name = "broker";
  const found = await look(kube, `/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/brokers/default`);
  if (found.kind === "hidden") return unseen(name, found.why);
  if (found.kind === "absent") return fail(name, `Broker default is not in ${SYSTEM}`, BROKER_HINT);
  const { annotations = {} } = (found.body as { readonly metadata: Meta }).metadata;
  const of = annotations[BROKER_CLASS] ?? "of the cluster's default class";
  const ready = conditionOf(found.body, "Ready");
  if (ready?.status === "True") {
    const config = checkBrokerConfig(name, of, annotations[NATS_BROKER_CONFIG] ?? "");
    return config.verdict === "ok" ? checkSubscribers(kube, config) : config;
  }
  const change = `Look at it: kubectl describe broker default -n ${SYSTEM}. Is the controller of its class installed?`;
  return fail(name, `${of}, not ready: ${messageOf(ready)}`, change);
}

function checkBrokerConfig(name: string, of: string, config: string): Check {
  if (of !== "NatsJetStreamBroker" || config.includes('"NAMESPACE"')) return ok(name, of);
  const found = `${of}: its filter serves the Triggers of every such Broker, and delivers twice`;
  return warn(name, found, `Set its annotation ${NATS_BROKER_CONFIG}, with NAMESPACE in filter.env.`);
}

type Listed<T> = { readonly items: readonly T[] };
type Channel = {
  readonly spec?: { readonly subscribers?: readonly { readonly uid?: string; readonly name?: string }[] };
};

/**
 * Knative takes a subscriber out of a channel by writing the whole list as it last saw it: of two Triggers that go at
 * once, one may stay in it for good. Nobody answers there, and each post to the Broker waits until its retries are over.
 */
async function checkSubscribers(kube: Kube, fine: Check): Promise<Check> {
  const channels = await look(kube, `${MESSAGING}/inmemorychannels`);
  const subscriptions = await look(kube, `${MESSAGING}/subscriptions`);
  if (channels.kind !== "found" || subscriptions.kind !== "found") return fine;
  const { items } = subscriptions.body as Listed<{ readonly metadata: { readonly uid?: string } }>;
  const alive = new Set(items.map(({ metadata }) => metadata.uid));
  const dead = (channels.body as Listed<Channel>).items
    .flatMap(({ spec }) => spec?.subscribers ?? [])
    .filter(({ uid }) => !alive.has(uid));
  if (dead.length === 0) return fine;
  const found = `${fine.found}; its channel keeps subscribers whose Trigger is gone, and waits for them at every post: `;
  const again = `Make it anew: kubectl delete broker default -n ${SYSTEM}. The operator brings it back; events wait meanwhile.`;
  return warn(fine.name, found + dead.map(({ name = "unnamed" }) => name).join(", "), again);
}
