/** Bytes that a run leaves with nats-server, by stream, for a chain of three short steps. */
import { type Bench, figure } from "./figure.ts";
import { chain, type Engine, startEngine } from "./engine.ts";

const RUNS = 100;
const STEPS = 3;

export const stored: Bench = {
  name: "stored",
  run: async () => {
    await using engine = await startEngine();
    const before = await bytesByStream(engine);
    for (let round = 0; round < RUNS; round++) {
      const run = `stored-${round}`;
      await engine.request(run, chain(STEPS));
      for (let step = 0; step < STEPS; step++) {
        const delivery = await engine.next();
        await engine.finish(delivery.value);
        await delivery.ack();
      }
      await engine.ended(run);
    }
    const after = await bytesByStream(engine);
    const perRun = [...after].map(([name, bytes]): [string, number] => [
      name,
      (bytes - (before.get(name) ?? 0)) / RUNS,
    ]);
    const total = perRun.reduce((sum, [, bytes]) => sum + bytes, 0);
    const parts = perRun.filter(([, bytes]) => bytes >= 1).toSorted(([, a], [, b]) => b - a);
    return [
      figure(`stored per run of ${STEPS} steps`, "bytes", [total]),
      ...parts.map(([name, bytes]) => figure(`stored per run: ${name}`, "bytes", [bytes])),
    ];
  },
};

async function bytesByStream({ nats }: Engine): Promise<ReadonlyMap<string, number>> {
  const { streams } = await nats.monitor.jsz();
  return new Map(streams.map(({ name, state }) => [name, state.bytes]));
}
