/**
 * From a request sent to a function at zero pods to its first answer, beside a bare Node function of the same settings:
 * in every round each is woken once, by turns the one or the other first. An executor's answer is that of its health.
 */
import { setTimeout as delay } from "node:timers/promises";
import { apply, asleep, isReady, kubectl, until } from "../../test/e2e/harness/cluster.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import type { Place } from "./place.ts";
import { ms } from "./row.ts";
import { bareOf, copyOf, type Service, urlOf } from "./services.ts";
import { type ClusterBench, open, type Site } from "./site.ts";

/** Two that are woken by turns. */
type Pair = { readonly what: string; readonly ours: Service; readonly beside: Service };
type Timed = Pair & { readonly oursMs: number[]; readonly besideMs: number[] };

const WAKE_MS = 120_000;
/** kubelet looks at its containers. */
const LOOKS_EVERY_MS = 1_000;
const OWN: Service = { namespace: SYSTEM, name: "bench-webhook-own" };

export const coldStart: ClusterBench = {
  name: "cold-start",
  run: async (site) => {
    const place = await open(site, "cold");
    await agentAndService(place);
    const { namespace } = place;
    const functions: readonly (Service & { readonly what: string })[] = [
      ...["webhook", "dispatcher", "collector"].map((what) => ({ what, namespace: SYSTEM, name: `ark-${what}` })),
      { what: "executor", namespace, name: "writer-agent" },
      { what: "router", namespace, name: "door-router" },
    ];
    const pairs: Pair[] = [];
    for (const { what, ...ours } of functions)
      pairs.push({ what, ours, beside: await bareOf(ours, { namespace, name: `bare-${what}` }) });
    const timed = await rounds(site, pairs, [SYSTEM, namespace]);
    return timed.map(({ what, oursMs, besideMs }) => ({
      figure: `cold start: ${what}`,
      value: ms(oursMs),
      baseline: { what: "bare node", ...ms(besideMs) },
    }));
  },
};

/** Images are on the node already: what pulling costs is not in it. */
export const ownImage: ClusterBench = {
  name: "own-image",
  run: async (site) => {
    const { ownImage: image, stack, say } = site;
    if (image === undefined) {
      say("own-image: no image of the webhook function alone is named (--own-image, or --lab): left out");
      return [];
    }
    const shared: Service = { namespace: SYSTEM, name: "ark-webhook" };
    stack.defer(() => kubectl("delete", "ksvc", OWN.name, "-n", SYSTEM, "--ignore-not-found").then(() => {}));
    const own = await copyOf(shared, OWN, image);
    const [pair] = await rounds(site, [{ what: "webhook, image of all", ours: shared, beside: own }], [SYSTEM]);
    return [
      {
        figure: "cold start: webhook from the image of all functions",
        value: ms(pair?.oursMs ?? []),
        baseline: { what: "from an image of its own", ...ms(pair?.besideMs ?? []) },
        target: "the faster one wins",
      },
    ];
  },
};

async function agentAndService(place: Place): Promise<void> {
  await place.agent("writer");
  await apply(
    place.object("ArkService", "door", {
      selector: { arkAgent: "writer" },
      ports: [{ protocol: "HTTP", port: 18080 }],
    }),
  );
  await until(`/apis/serving.knative.dev/v1/namespaces/${place.namespace}/services`, "door-router", isReady);
}

/** One round before them is not counted: a Service's first pod is slower than those after it. */
async function rounds(
  { rounds: count, say }: Site,
  pairs: readonly Pair[],
  namespaces: readonly string[],
): Promise<readonly Timed[]> {
  const timed = pairs.map((pair): Timed => ({ ...pair, oursMs: [], besideMs: [] }));
  for (let round = 0; round <= count; round++) {
    await asleep(...namespaces);
    for (const { what, ours, beside, oursMs, besideMs } of timed) {
      const turns = [
        [ours, oursMs],
        [beside, besideMs],
      ] as const;
      for (const [service, into] of round % 2 === 0 ? turns : turns.toReversed()) {
        const took = await coldMs(service);
        if (round > 0) into.push(took);
      }
      if (round > 0) say(`cold start ${round}/${count}: ${what} ${last(oursMs)}, beside ${last(besideMs)}`);
    }
  }
  return timed;
}

const last = (values: readonly number[]): string => `${values.at(-1)?.toFixed(0) ?? "–"} ms`;

/** What is waited for before a start ends with a look of kubelet's: without chance all starts had the same time to the next. */
export async function anyMoment(): Promise<void> {
  await delay(Math.random() * LOOKS_EVERY_MS);
}

/** Throws when the first answer is no 200. */
export async function coldMs(service: Service): Promise<number> {
  const url = `${urlOf(service)}/healthz`;
  await anyMoment();
  const startedAt = performance.now();
  const response = await fetch(url, { signal: AbortSignal.timeout(WAKE_MS) });
  await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return performance.now() - startedAt;
}
