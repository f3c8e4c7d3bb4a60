/** The collector as its own process, as it is deployed, under a burst of runs; one executor of 32 slots works for it. */
import { startWorld } from "../test/harness/world.ts";
import { Lock } from "../test/harness/lock.ts";
import { type Bench, type Figure, figure } from "./figure.ts";
import { peakMb } from "./memory.ts";

const SLOTS = 32;
/** Requests under way at once. */
const WIDTH = 200;
/** Where there is room V8 leaves garbage lie; in a container it takes its bounds from the container's. */
const BOUNDED = "--max-old-space-size=96 --max-semi-space-size=4";
const PATIENCE_MS = 600_000;

export const collectorAlone: Bench = {
  name: "collector",
  run: async ({ runs }) => [
    ...(await burstOf(runs, "", {})),
    ...(await burstOf(runs, `, node ${BOUNDED}`, { NODE_OPTIONS: BOUNDED })),
  ],
};

async function burstOf(runs: number, how: string, env: Readonly<Record<string, string>>): Promise<readonly Figure[]> {
  const all = new Lock(runs, PATIENCE_MS);
  await using world = await startWorld({
    functions: ["collector", "executor"],
    bundled: true,
    maxConcurrentTasks: SLOTS,
    env,
    script: () => {
      all.unlock();
      return { text: "done" };
    },
  });
  const { pid } = world.processes.collector;
  const idle = await peakMb(pid);
  const startedAt = performance.now();
  const names = Array.from({ length: runs }, (_, n) => `burst-${n}`);
  const left = names.values();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (const name of left) await world.request(name);
    }),
  );
  await all.done;
  for (const name of names.slice(-WIDTH)) await world.ended(name, AbortSignal.timeout(PATIENCE_MS));
  const seconds = (performance.now() - startedAt) / 1_000;
  const [collector, executor] = await Promise.all([peakMb(pid), peakMb(world.processes.executor.pid)]);
  if (idle === undefined || collector === undefined || executor === undefined) return [];
  return [
    figure(`collector and executor as processes: burst of ${runs} runs${how}`, "runs/s", [runs / seconds]),
    figure(`collector: peak memory before the burst${how}`, "MB", [idle]),
    figure(`collector: peak memory in the burst${how}`, "MB", [collector], { target: "≤ 200 MB" }),
    figure(`executor: peak memory in the burst${how}`, "MB", [executor]),
  ];
}
