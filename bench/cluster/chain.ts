/**
 * Step hop on the cluster, warm: from a step's result to the next step's start, by the facts that the executor wrote,
 * beside publish and next at the same nats-server from where this runs. The model answers at once.
 */
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { connectNats } from "#platform/jetstream/connect.ts";
import type { Fact } from "#core/events/facts.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import { timesOf } from "../baseline.ts";
import { hopsOf } from "../hops-of.ts";
import type { Door } from "./place.ts";
import { ms, type Row } from "./row.ts";
import { type ClusterBench, open } from "./site.ts";

const STEPS = 10;
const RUNS = 20;
const WARM_UP = 3;
const CONNECT_MS = 30_000;

export const chain: ClusterBench = {
  name: "chain",
  run: async (site) => {
    const place = await open(site, "chain");
    const { namespace } = place;
    await place.agent("writer");
    await place.team(
      "ten",
      "writer",
      Array.from({ length: STEPS }, (_, n) => `say:${n} of {{ .input.topic }}`),
    );
    const door = await place.webhook("hook", "ten");
    const nats = {
      url: `nats://ark-nats.${SYSTEM}.svc.cluster.local:4222`,
      name: "bench",
      signal: AbortSignal.timeout(CONNECT_MS),
      ...(process.env["ARK_NATS_CREDS"] !== undefined && { creds: process.env["ARK_NATS_CREDS"] }),
    };
    const js = site.stack.use(await openJetStream(nats));
    for (let n = 0; n < WARM_UP; n++) await runOne(door, n);
    const nc = await connectNats(nats);
    site.stack.defer(() => nc.close());
    const { publishNext } = await timesOf(nc);
    const chains: number[] = [];
    const hops: number[] = [];
    for (let n = 0; n < RUNS; n++) {
      const startedAt = performance.now();
      const run = await runOne(door, n);
      chains.push(performance.now() - startedAt);
      const facts: Fact[] = [];
      for await (const { fact } of js.factLog.history({ namespace, run })) facts.push(fact);
      hops.push(...hopsOf(facts, STEPS));
    }
    const baseline = { what: "publish + next", ...ms(publishNext) };
    const rows: Row[] = [
      { figure: "step hop, warm: result → next step started", value: ms(hops), baseline, target: "p50 ≤ 5 ms" },
      { figure: `chain of ${STEPS}, warm: webhook's request to its answer`, value: ms(chains), target: "≤ 80 ms" },
    ];
    return rows;
  },
};

/** Its name, once it has ended. */
async function runOne(door: Door, n: number): Promise<string> {
  const { status, body } = await door.fire({ topic: `topic ${n}` }, "?mode=sync&timeout=120s");
  if (status !== 200) throw new Error(`the webhook answered ${status}: ${JSON.stringify(body)}`);
  return String(body["runName"]);
}
