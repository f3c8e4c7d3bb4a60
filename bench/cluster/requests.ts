/**
 * Requests at the API server per run of one step: its own counters around a number of runs at an even pace, less those
 * of an interval of the same length in which nothing ran. Functions are awake throughout the runs: what waking them costs
 * is Knative's.
 */
import { setTimeout as delay } from "node:timers/promises";
import { asleep, kubectl } from "../../test/e2e/harness/cluster.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import type { Door } from "./place.ts";
import { one, type Row } from "./row.ts";
import { type ClusterBench, open } from "./site.ts";

const RUNS = 20;
const PACE_MS = 1_500;
const WARM_UP = 3;
const TOP = 8;

type Counts = ReadonlyMap<string, number>;

export const requests: ClusterBench = {
  name: "requests",
  run: async (site) => {
    const place = await open(site, "requests");
    await place.agent("writer");
    await place.team("one", "writer", ["say:{{ .input.topic }}"]);
    const door = await place.webhook("hook", "one");
    // Falling asleep costs requests as well: all of it is over before the idle interval.
    await asleep(SYSTEM, place.namespace);
    const idle = await counted(() => paced(() => Promise.resolve()));
    for (let n = 0; n < WARM_UP; n++) await runOne(door);
    // What waking causes, too, is in neither interval.
    await paced(() => runOne(door));
    const working = await counted(() => paced(() => runOne(door)));
    const perRun = new Map([...working].map(([key, count]) => [key, (count - (idle.get(key) ?? 0)) / RUNS]));
    const sum = (counts: Counts, is: (key: string) => boolean) =>
      [...counts].filter(([key]) => is(key)).reduce((total, [, count]) => total + count, 0);
    const isOurs = (key: string) => key.includes(".arkonis.dev");
    const top = [...perRun].filter(([, count]) => Math.abs(count) >= 0.2).toSorted(([, a], [, b]) => b - a);
    const rows: Row[] = [
      {
        figure: "API requests per run, all",
        value: one(
          "count",
          sum(perRun, () => true),
        ),
        baseline: { what: "the same interval idle, a run's share", ...one("count", sum(idle, () => true) / RUNS) },
      },
      {
        figure: "API requests per run, Ark's kinds",
        value: one("count", sum(perRun, isOurs)),
        baseline: { what: "creating the object", ...one("count", 1) },
      },
      ...top.slice(0, TOP).map(([key, count]): Row => ({ figure: `… ${key}`, value: one("count", count) })),
    ];
    return rows;
  },
};

async function runOne(door: Door): Promise<void> {
  const { status, body } = await door.fire({ topic: "requests" }, "?mode=sync&timeout=120s");
  if (status !== 200) throw new Error(`the webhook answered ${status}: ${JSON.stringify(body)}`);
}

async function paced(work: () => Promise<void>): Promise<void> {
  for (let n = 0; n < RUNS; n++) await Promise.all([work(), delay(PACE_MS)]);
}

async function counted(work: () => Promise<void>): Promise<Counts> {
  const before = await counts();
  await work();
  const after = await counts();
  return new Map([...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)]));
}

/** By verb and resource; long-lived watches are counted as they end. */
async function counts(): Promise<Counts> {
  const found = new Map<string, number>();
  for (const line of (await kubectl("get", "--raw", "/metrics")).split("\n")) {
    const [, labels = "", count = ""] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    if (labels === "" || label("verb") === "WATCH") continue;
    const what = [label("resource"), label("subresource")].filter(Boolean).join("/");
    const group = label("group");
    const key = `${label("verb")} ${what}${group === "" ? "" : `.${group}`}`;
    found.set(key, (found.get(key) ?? 0) + Number(count));
  }
  return found;
}
