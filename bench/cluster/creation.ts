/**
 * From a webhook's request to its ArkRun in the API server, as a watch shows it, beside creating objects of the same
 * schema and content at the API server, which nobody acts upon. Each client goes on once its object is there, so that
 * nothing piles up behind the figure. The agent has no replicas: runs begin, and their one step waits.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ARK, apply, kube, kubectl, type Manifest, until, type Watched } from "../../test/e2e/harness/cluster.ts";
import { watchObjects } from "#platform/kube/watch.ts";
import type { Door, Place } from "./place.ts";
import { median, ms, one, type Row } from "./row.ts";
import { type ClusterBench, open, type Site } from "./site.ts";

/** One event's rate has a limit. */
const EVENTS = 4;
const ALONE = 100;
const WARM_UP = 20;
const PATIENCE_MS = 120_000;
const BARE = { group: "bench.arkonis.dev", plural: "barerunobjects", singular: "barerunobject", kind: "BareRunObject" };

/** Resolves with the milliseconds from its call to its object's appearance. */
type Create = () => Promise<number>;
/** Rate limits that said no, and how long the webhook took to answer. */
type Asides = { refused: number; readonly answered: number[] };
type Phase = { readonly each: readonly number[]; readonly perSecond: number };

export const creation: ClusterBench = {
  name: "creation",
  run: async (site) => {
    const place = await open(site, "creation");
    await place.agent("nobody", { replicas: 0 });
    await place.team("one", "nobody", ["{{ .input.topic }}"]);
    const doors: Door[] = [];
    for (let n = 0; n < EVENTS; n++) doors.push(await place.webhook(`hook-${n}`, "one"));
    const runs = appearing(site, `${ARK}/namespaces/${place.namespace}/arkruns`);
    const asides: Asides = { refused: 0, answered: [] };
    const ours = byWebhook(doors, runs, asides);
    for (let n = 0; n < WARM_UP; n++) await ours();
    const path = await bareResource(site, place);
    const bare = byHand(path, await template(place), appearing(site, path));
    for (let n = 0; n < WARM_UP; n++) await bare();

    const bareAlone = await alone(bare);
    asides.answered.length = 0;
    const oursAlone = await alone(ours);
    const answeredAlone = asides.answered.splice(0);
    site.say(`creation, one by one: ${median(oursAlone).toFixed(0)} ms, bare ${median(bareAlone).toFixed(0)} ms`);
    const bareLoad = await under(site, bare);
    const oursLoad = await under(site, ours);
    site.say(
      `creation, ${site.clients} clients: ${oursLoad.perSecond.toFixed(0)}/s, bare ${bareLoad.perSecond.toFixed(0)}/s`,
    );
    return rows(site, { bareAlone, oursAlone, bareLoad, oursLoad, answeredAlone, asides });
  },
};

function rows(
  { clients, seconds }: Site,
  found: {
    readonly bareAlone: readonly number[];
    readonly oursAlone: readonly number[];
    readonly bareLoad: Phase;
    readonly oursLoad: Phase;
    readonly answeredAlone: readonly number[];
    readonly asides: Asides;
  },
): readonly Row[] {
  const what = "bare create";
  return [
    {
      figure: "webhook → ArkRun, one at a time",
      value: ms(found.oursAlone),
      baseline: { what, ...ms(found.bareAlone) },
    },
    { figure: "… of it to the webhook's answer", value: ms(found.answeredAlone) },
    {
      figure: `webhook → ArkRun, ${clients} clients for ${seconds} s`,
      value: ms(found.oursLoad.each),
      baseline: { what, ...ms(found.bareLoad.each) },
    },
    { figure: "… of it to the webhook's answer", value: ms(found.asides.answered) },
    {
      figure: `webhook → ArkRun, ${clients} clients for ${seconds} s: rate`,
      value: one("per s", found.oursLoad.perSecond),
      baseline: { what, ...one("per s", found.bareLoad.perSecond) },
      target: "≥ 0.4 ×",
    },
    { figure: "… refused by a rate limit meanwhile (429)", value: one("count", found.asides.refused) },
  ];
}

async function alone(create: Create): Promise<readonly number[]> {
  const each: number[] = [];
  for (let n = 0; n < ALONE; n++) each.push(await create());
  return each;
}

async function under({ clients, seconds }: Site, create: Create): Promise<Phase> {
  const each: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  const client = async (): Promise<void> => {
    while (performance.now() < until) each.push(await create());
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { each, perSecond: (each.length * 1_000) / (performance.now() - startedAt) };
}

type Moment = { readonly came: Promise<number>; readonly come: (at: number) => void };
type Appearing = { readonly of: (name: string) => Promise<number> };

/** The moment an object of this path appeared, whether that was before it is asked for or is yet to come. */
function appearing({ stack }: Site, path: string): Appearing {
  const stop = new AbortController();
  const moments = new Map<string, Moment>();
  const of = (name: string): Moment => {
    const known = moments.get(name) ?? moment();
    moments.set(name, known);
    return known;
  };
  const watching = (async () => {
    for await (const { type, object } of watchObjects<Watched>(kube(), path, { signal: stop.signal }))
      if (type === "added") of(object.metadata.name ?? "").come(performance.now());
  })();
  watching.catch((error: unknown) => console.error(error));
  stack.defer(() => stop.abort());
  return {
    of: async (name) => {
      const late = delay(PATIENCE_MS, undefined, { ref: false }).then(() => {
        throw new Error(`${path}/${name} did not appear in ${PATIENCE_MS} ms`);
      });
      return Promise.race([of(name).came, late]);
    },
  };
}

function moment(): Moment {
  let come: Moment["come"] = () => {};
  const came = new Promise<number>((resolve) => (come = resolve));
  return { came, come };
}

function byWebhook(doors: readonly Door[], runs: Appearing, asides: Asides): Create {
  let n = 0;
  return async () => {
    for (;;) {
      const door = doors[n++ % doors.length];
      const startedAt = performance.now();
      const { status, body } = (await door?.fire({ topic: `topic ${n}` })) ?? { status: 0, body: {} };
      asides.answered.push(performance.now() - startedAt);
      const [name] = (body["runs"] as string[] | undefined) ?? [];
      if (status === 202 && name !== undefined) return (await runs.of(name)) - startedAt;
      if (status !== 429) throw new Error(`the webhook answered ${status}: ${JSON.stringify(body)}`);
      asides.refused++;
      await delay(100);
    }
  };
}

function byHand(path: string, like: Manifest, objects: Appearing): Create {
  let n = 0;
  return async () => {
    const name = `${like.metadata.name}-${n++}`;
    const startedAt = performance.now();
    const body = { ...like, metadata: { ...like.metadata, name } };
    const { status } = await kube().request({ method: "POST", path, body });
    if (status !== 201) throw new Error(`the API server answered ${status}`);
    return (await objects.of(name)) - startedAt;
  };
}

/** An ArkRun as the webhook made it, under the other kind. */
async function template({ namespace }: Place): Promise<Manifest> {
  const [run] = (JSON.parse(await kubectl("get", "arkruns", "-n", namespace, "-o", "json")) as { items: ArkRun[] })
    .items;
  if (run === undefined) throw new Error("the warm-up left no run");
  const { labels, annotations } = run.metadata;
  const metadata = { name: "bare", namespace, ...(labels && { labels }), ...(annotations && { annotations }) };
  return { apiVersion: `${BARE.group}/v1alpha1`, kind: BARE.kind, metadata, spec: run.spec };
}

/** The CustomResourceDefinition of ArkRun once more: same schema and rules, another kind. Gives the path of its objects. */
async function bareResource({ stack }: Site, { namespace }: Place): Promise<string> {
  const found = JSON.parse(await kubectl("get", "crd", "arkruns.arkonis.dev", "-o", "json")) as { spec: object };
  const { group, ...names } = BARE;
  const name = `${names.plural}.${group}`;
  stack.defer(() => kubectl("delete", "crd", name, "--ignore-not-found", "--timeout=300s").then(() => {}));
  const spec = { ...found.spec, group, names: { ...names, listKind: `${names.kind}List` } };
  await apply({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name }, spec });
  await until<Watched>("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", name, ({ status }) => {
    const conditions = status?.["conditions"] as { type: string; status: string }[] | undefined;
    return conditions?.some(({ type, status: is }) => type === "Established" && is === "True") ?? false;
  });
  return `/apis/${group}/v1alpha1/namespaces/${namespace}/${names.plural}`;
}
