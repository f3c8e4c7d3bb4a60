/** What stands at Knative behind agents and events, once more and by hand: how long the cluster itself takes for as many. */
import { apply, isReady, kubectl, untilAll } from "../../test/e2e/harness/cluster.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import type { Site } from "./site.ts";

export type BareObjects = { readonly services: number; readonly triggers: number };

const BARE = "bench.arkonis.dev/bare";
const NOBODYS = [{ exact: { type: "dev.ark.bench.nobody" } }];

/** Seconds until as many Services as Ark has agents in `namespace`, and Triggers as it has events, are all Ready. */
export async function bareObjects({ objects, stack }: Site, namespace: string, mostMs: number): Promise<BareObjects> {
  const service = await oneOf("ksvc", namespace, "arkonis.dev/agent");
  const trigger = await oneOf("trigger", SYSTEM, `arkonis.dev/namespace=${namespace}`);
  const names = Array.from({ length: objects }, (_, n) => `${namespace}-${n}`);
  const labels = { [BARE]: namespace };
  // One after another: of several that go at once Knative's channel keeps subscribers.
  stack.defer(async () => {
    for (const name of names) await kubectl("delete", "trigger", name, "-n", SYSTEM, "--ignore-not-found");
  });
  const startedAt = performance.now();
  await apply(
    ...names.map((name) => ({
      ...service,
      metadata: { name, namespace, labels: { ...labels, "networking.knative.dev/visibility": "cluster-local" } },
    })),
    ...names.map((name) => ({
      ...trigger,
      metadata: { name, namespace: SYSTEM, labels },
      spec: { ...trigger.spec, filters: NOBODYS },
    })),
  );
  const ready = async (path: string): Promise<number> => {
    await untilAll(path, `${BARE}=${namespace}`, (found) => found.filter(isReady).length >= objects, mostMs);
    return (performance.now() - startedAt) / 1_000;
  };
  const [services, triggers] = await Promise.all([
    ready(`/apis/serving.knative.dev/v1/namespaces/${namespace}/services`),
    ready(`/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/triggers`),
  ]);
  return { services, triggers };
}

type Made = { readonly apiVersion: string; readonly kind: string; readonly spec: Readonly<Record<string, unknown>> };

/** As Ark made it. */
async function oneOf(kind: string, namespace: string, selector: string): Promise<Made> {
  const list = JSON.parse(await kubectl("get", kind, "-n", namespace, "-l", selector, "-o", "json"));
  const [found] = (list as { readonly items: readonly Made[] }).items;
  if (found === undefined) throw new Error(`no ${kind} in ${namespace} with ${selector}`);
  const { apiVersion, kind: called, spec } = found;
  return { apiVersion, kind: called, spec };
}
