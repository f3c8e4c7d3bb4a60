/**
 * From a webhook's request, with every function asleep, to the first model request: several cold starts one after
 * another, beside one of a bare Node function. Which pod came when is told by a watch, from the request on.
 */
import { asleep, conditionOf, kube, type Watched } from "../../test/e2e/harness/cluster.ts";
import { askedFor } from "../../test/e2e/harness/model.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import { watchObjects } from "#platform/kube/watch.ts";
import { anyMoment, coldMs } from "./cold-start.ts";
import type { Door } from "./place.ts";
import { ms, type Row } from "./row.ts";
import { bareOf } from "./services.ts";
import { type ClusterBench, open } from "./site.ts";

const FUNCTIONS = ["webhook", "dispatcher", "collector", "executor"] as const;
type Name = (typeof FUNCTIONS)[number];
type Moments = { readonly made: Partial<Record<Name, number>>; readonly ready: Partial<Record<Name, number>> };
type Seen = Moments & { readonly accepted: number; readonly asked: number };

const SERVICE = "serving.knative.dev/service";
const SERVICES: Readonly<Record<string, Name>> = {
  "ark-webhook": "webhook",
  "ark-dispatcher": "dispatcher",
  "ark-collector": "collector",
  "writer-agent": "executor",
};

export const firstRequest: ClusterBench = {
  name: "first-request",
  run: async (site) => {
    const place = await open(site, "first");
    const { namespace } = place;
    await place.agent("writer");
    await place.team("one", "writer", ["say:written {{ .input.topic }}"]);
    const door = await place.webhook("hook", "one");
    const bare = await bareOf({ namespace: SYSTEM, name: "ark-webhook" }, { namespace, name: "bare" });
    const seen: Seen[] = [];
    const bareMs: number[] = [];
    for (let round = 0; round < site.rounds; round++) {
      await asleep(SYSTEM, namespace);
      if (round % 2 === 0) bareMs.push(await coldMs(bare));
      const one = await fire(door, namespace, `${namespace} ${round}.`);
      seen.push(one);
      if (round % 2 === 1) bareMs.push(await coldMs(bare));
      site.say(
        `first request ${round + 1}/${site.rounds}: ${one.asked.toFixed(0)} ms, bare ${bareMs.at(-1)?.toFixed(0)}`,
      );
    }
    return rows(seen, bareMs);
  },
};

async function fire(door: Door, namespace: string, topic: string): Promise<Seen> {
  const stop = new AbortController();
  const moments: Moments = { made: {}, ready: {} };
  await anyMoment();
  const startedAt = performance.now();
  const now = (): number => performance.now() - startedAt;
  const watching = [SYSTEM, namespace].map((where) => watchPods(where, now, moments, stop.signal));
  const asking = askedFor(topic, 1).then(now);
  const { status } = await door.fire({ topic });
  const accepted = now();
  if (status !== 202) throw new Error(`the webhook answered ${status}`);
  const asked = await asking;
  stop.abort();
  await Promise.all(watching);
  return { accepted, asked, ...moments };
}

async function watchPods(where: string, now: () => number, { made, ready }: Moments, signal: AbortSignal) {
  const path = `/api/v1/namespaces/${where}/pods`;
  for await (const { object } of watchObjects<Watched>(kube(), path, { labelSelector: SERVICE, signal })) {
    const name = SERVICES[object.metadata.labels?.[SERVICE] ?? ""];
    if (name === undefined) continue;
    made[name] ??= now();
    if (conditionOf(object, "Ready")?.status === "True") ready[name] ??= now();
  }
}

function rows(seen: readonly Seen[], bareMs: readonly number[]): readonly Row[] {
  const baseline = { what: "bare node, one cold start", ...ms(bareMs) };
  const starts = Math.max(...seen.map(({ made }) => Object.keys(made).length));
  const values = (of: (one: Seen) => number | undefined) => ms(seen.flatMap((one) => of(one) ?? []));
  return [
    {
      figure: `event to first model request from zero: ${starts} cold starts`,
      value: values(({ asked }) => asked),
      baseline,
      target: "≤ 1.5 ×",
    },
    { figure: "… to the webhook's answer", value: values(({ accepted }) => accepted), baseline },
    ...FUNCTIONS.flatMap((name): Row[] => [
      { figure: `… to the ${name}'s pod made`, value: values(({ made }) => made[name]) },
      { figure: `… to the ${name}'s pod ready`, value: values(({ ready }) => ready[name]) },
    ]),
  ];
}
