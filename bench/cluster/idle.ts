/**
 * What is left when nothing happens: the pods of Ark's namespace, and the operator's memory with many agents and events
 * that nobody uses. Memory is a container's working set, as `kubectl top` shows it: a little more than what is resident.
 */
import { setTimeout as delay } from "node:timers/promises";
import { apply, ARK, asleep, isReady, kube, kubectl, untilAll, type Watched } from "../../test/e2e/harness/cluster.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import { listObjects } from "#platform/kube/watch.ts";
import { one, type Row, type Sample } from "./row.ts";
import { bareObjects } from "./bare-objects.ts";
import { bareOf } from "./services.ts";
import { coldMs } from "./cold-start.ts";
import { type ClusterBench, open } from "./site.ts";

const PODS = "/api/v1/namespaces";
const OPERATOR = "operator";
const READY_MS = 1_800_000;
/** The node counts every ten seconds or so; an operator that has worked needs a moment to tidy. */
const SETTLE_MS = 45_000;
/** Below any scale-down window. */
const ASK_MS = 2_000;

export const idlePods: ClusterBench = {
  name: "idle-pods",
  run: async () => {
    await asleep(SYSTEM);
    const pods = await podsOf(SYSTEM);
    const functions = pods.filter(({ metadata }) => metadata.labels?.["serving.knative.dev/service"] !== undefined);
    const stay = new Map<string, number>();
    for (const { metadata } of pods) {
      const name = metadata.labels?.["app.kubernetes.io/name"] ?? metadata.name ?? "";
      stay.set(name, (stay.get(name) ?? 0) + 1);
    }
    return [
      { figure: "pods of functions when idle", value: one("count", functions.length), target: "0" },
      ...[...stay].map(([name, count]): Row => ({ figure: `… what stays: ${name}`, value: one("count", count) })),
    ];
  },
};

export const idleOperator: ClusterBench = {
  name: "idle-operator",
  run: async (site) => {
    const { objects, say } = site;
    const place = await open(site, "idle");
    const { namespace } = place;
    const bare = await bareOf({ namespace: SYSTEM, name: "ark-webhook" }, { namespace, name: "bare" });
    await coldMs(bare);
    const before = await memory(SYSTEM, OPERATOR);
    const bareMb = await bareMemory(namespace, () => coldMs(bare));
    await place.agent("first");
    await place.team("one", "first", ["say:{{ .input.topic }}"]);

    const startedAt = performance.now();
    const names = Array.from({ length: objects }, (_, n) => `idle-${n}`);
    const targets = [{ team: "one" }];
    await apply(
      ...names.map((name) => place.object("ArkAgent", name, { model: "scripted", systemPrompt: "You write." })),
      ...names.map((name) => place.object("ArkEvent", name, { source: { type: "webhook" }, targets })),
    );
    const ready = async (kind: string): Promise<number> => {
      const all = (found: readonly Watched[]) => found.filter(isReady).length >= objects;
      await untilAll(`${ARK}/namespaces/${namespace}/${kind}`, "", all, READY_MS);
      const seconds = (performance.now() - startedAt) / 1_000;
      say(`idle operator: ${kind} ready after ${seconds.toFixed(0)} s`);
      return seconds;
    };
    const [agentsReady, eventsReady] = await Promise.all([ready("arkagents"), ready("arkevents")]);
    await asleep(SYSTEM, namespace);
    await delay(SETTLE_MS);
    const after = await memory(SYSTEM, OPERATOR);
    const pods = await podsOf(namespace);
    const byHand = await bareObjects(site, namespace, READY_MS);
    const mb = (values: readonly number[]): Sample => ({ unit: "MB", values });
    return [
      {
        figure: `operator's memory, ${objects} agents and ${objects} events idle, each replica`,
        value: mb(after),
        baseline: { what: "before them", ...mb(before) },
        target: "≤ 120 MB",
      },
      { figure: "… beside a pod of bare node", value: mb(after), baseline: { what: "bare node", ...mb(bareMb) } },
      { figure: "… pods of agents", value: one("count", pods.length), target: "0" },
      {
        figure: `… ${objects} agents made to all Ready`,
        value: one("s", agentsReady),
        baseline: { what: "Knative Services by hand", ...one("s", byHand.services) },
      },
      {
        figure: `… ${objects} events made to all Ready`,
        value: one("s", eventsReady),
        baseline: { what: "Triggers by hand", ...one("s", byHand.triggers) },
      },
    ];
  },
};

async function podsOf(namespace: string): Promise<readonly Watched[]> {
  return (await listObjects<Watched>(kube(), `${PODS}/${namespace}/pods`)).items;
}

/** Of a pod that would fall asleep before its node counts it: asked again until the node has counted twice. */
async function bareMemory(namespace: string, ask: () => Promise<number>): Promise<readonly number[]> {
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) await Promise.all([ask(), delay(ASK_MS)]);
  return memory(namespace, "webhook");
}

/** In MB, of each container so called. */
async function memory(namespace: string, container: string): Promise<readonly number[]> {
  const nodes = (await kubectl("get", "nodes", "-o", "name")).split("\n").filter(Boolean);
  const found: number[] = [];
  for (const node of nodes) {
    const path = `/api/v1/nodes/${node.replace("node/", "")}/proxy/metrics/resource`;
    for (const line of (await kubectl("get", "--raw", path)).split("\n")) {
      const [, labels = "", bytes = ""] = /^container_memory_working_set_bytes\{(.*)\} (\S+)/.exec(line) ?? [];
      const label = (of: string) => new RegExp(`(?:^|,)${of}="([^"]*)"`).exec(labels)?.[1];
      if (label("container") === container && label("namespace") === namespace) found.push(Number(bytes) / 1024 ** 2);
    }
  }
  return found;
}
