/** What loading the executor's bundle adds to the start of a bare Node: part of every cold start. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { bundle, entries } from "../scripts/bundle.ts";
import { importProbe, startUpMs } from "../scripts/start-up.ts";
import { type Bench, figure, median } from "./figure.ts";

const ROUNDS = 15;

export const importTime: Bench = {
  name: "import",
  run: async () => {
    const out = await mkdtemp(path.join(tmpdir(), "ark-bench-"));
    try {
      const executor = (await entries()).find(({ name }) => name === "executor");
      if (executor === undefined) throw new Error("the executor has no main");
      const probe = await importProbe((await bundle(executor, out)).dir);
      const bare = await startUpMs(["-e", "process.exit(0)"], ROUNDS);
      const loaded = await startUpMs([probe], ROUNDS);
      const ratio = { to: "bare node", value: median(loaded) / median(bare) };
      return [
        figure("bare node: start to exit", "ms", bare),
        { ...figure("executor bundle: start, import, exit", "ms", loaded), ratio },
        figure("executor bundle: import above bare node", "ms", [median(loaded) - median(bare)], { target: "≤ 60 ms" }),
      ];
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  },
};
