/**
 * Step hop: from a result to the next task in the executor's hand; and a chain of them. Timed from the moment the result
 * is sent, storing it included: a little more than the design's hop, which begins when it is stored.
 */
import { type Bench, figure } from "./figure.ts";
import { chain, startEngine } from "./engine.ts";

const STEPS = 10;
const CHAINS = 40;
const WARM_UP = 5;

export const hop: Bench = {
  name: "hop",
  run: async ({ baseline }) => {
    const { publishNextMs } = await baseline();
    await using engine = await startEngine();
    const hops: number[] = [];
    const chains: number[] = [];
    for (let round = -WARM_UP; round < CHAINS; round++) {
      const run = `chain-${round + WARM_UP}`;
      let waiting = engine.next();
      const startedAt = performance.now();
      await engine.request(run, chain(STEPS));
      for (let step = 0; step < STEPS; step++) {
        const delivery = await waiting;
        if (step + 1 < STEPS) waiting = engine.next();
        const sentAt = performance.now();
        await engine.finish(delivery.value);
        void delivery.ack();
        if (step + 1 === STEPS) continue;
        await waiting;
        if (round >= 0) hops.push(performance.now() - sentAt);
      }
      await engine.ended(run);
      if (round >= 0) chains.push(performance.now() - startedAt);
    }
    const hopFigure = figure("step hop: result sent → next task in hand", "ms", hops, { target: "p50 ≤ 5 ms" });
    const ratio = { to: "publish + next", value: hopFigure.p50 / publishNextMs };
    return [
      { ...hopFigure, ratio },
      figure("chain of 10, an agent that answers at once", "ms", chains, { target: "≤ 80 ms" }),
    ];
  },
};
