/** Local mode as `ark up` runs it, in this process: webhook, dispatcher, collector, executor, and a model that answers at once. */
import type { Fact } from "#core/events/facts.ts";
import { type Ark, startArk } from "../test/harness/ark.ts";
import { type Bench, type Figure, figure } from "./figure.ts";
import { hopsOf } from "./hops-of.ts";

const CHAIN = 10;
const WIDTH = 100;
const ROUNDS = { chain: 30, fan: 8 } as const;
const WARM_UP = 3;

export const chainInLocalMode: Bench = {
  name: "chain",
  run: async () => {
    const steps = Array.from({ length: CHAIN }, (_, n) => step(`s${n}`, n === 0 ? [] : [`s${n - 1}`]));
    await using ark = await startArk(manifest(steps), () => ({ text: "done" }));
    const seen = await rounds(ark, ROUNDS.chain);
    const hops = seen.flatMap(({ facts }) => hopsOf(facts, CHAIN));
    return [
      figure("local mode: chain of 10, request to end of the run", "ms", seen.map(took), { target: "≤ 80 ms" }),
      figure("local mode: result → next step started", "ms", hops, { target: "p50 ≤ 5 ms" }),
      ...first(seen),
    ];
  },
};

/** A step may wait for 64 others: the hundred are joined in two halves. */
export const fanOut: Bench = {
  name: "fan-out",
  run: async () => {
    const middle = Array.from({ length: WIDTH }, (_, n) => `m${n}`);
    const joins = [step("join-a", middle.slice(0, WIDTH / 2)), step("join-b", middle.slice(WIDTH / 2))];
    const wide = middle.map((name) => step(name, ["first"]));
    const steps = [step("first", []), ...wide, ...joins, step("last", ["join-a", "join-b"])];
    await using ark = await startArk(manifest(steps), () => ({ text: "done" }));
    const seen = await rounds(ark, ROUNDS.fan);
    const perStep = seen.map((one) => took(one) / steps.length);
    return [
      figure("local mode: fan-out 1 → 100 → 1, request to end of the run", "ms", seen.map(took)),
      figure("local mode: fan-out, per step", "ms", perStep),
    ];
  },
};

/** The first run of a machine that has just started pays for what is loaded and opened once. */
function first(seen: readonly Seen[]): readonly Figure[] {
  return [figure("local mode: chain of 10, the first run after the start", "ms", [seen[0]?.firstMs ?? Number.NaN])];
}

type Seen = { readonly facts: readonly Fact[]; readonly endedAt: number; readonly firstMs: number };

async function rounds(ark: Ark, count: number): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  let firstMs = 0;
  for (let round = -WARM_UP; round < count; round++) {
    const { status, body } = await ark.fire("hook", { round }, { query: "?mode=sync" });
    if (status !== 200) throw new Error(`fire ${round}: ${status} ${JSON.stringify(body)}`);
    const run = String(body["runName"]);
    const one = await look(ark, run);
    if (round === -WARM_UP) firstMs = took({ ...one, firstMs });
    if (round >= 0) seen.push({ ...one, firstMs });
  }
  return seen;
}

async function look({ local: { js } }: Ark, run: string): Promise<Omit<Seen, "firstMs">> {
  const facts: Fact[] = [];
  for await (const { fact } of js.factLog.history({ namespace: "default", run })) facts.push(fact);
  const phase = (await js.runStates.get({ namespace: "default", run }))?.state.phase;
  if (phase?.kind !== "succeeded") throw new Error(`${run} ended as ${phase?.kind}`);
  return { facts, endedAt: phase.endedAt };
}

function took({ facts, endedAt }: Seen): number {
  return endedAt - (facts.find(({ kind }) => kind === "run.requested")?.at ?? Number.NaN);
}

function step(name: string, dependsOn: readonly string[]): string {
  return `    - { name: ${name}, role: work, dependsOn: [${dependsOn.join(", ")}], inputs: { prompt: Do ${name} } }`;
}

function manifest(steps: readonly string[]): string {
  return `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: bench }
spec:
  successfulRunsHistoryLimit: 100
  roles: [{ name: work, model: gpt-4o-mini, systemPrompt: You work. }]
  pipeline:
${steps.join("\n")}
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: bench }] }
`;
}
