/**
 * Size and start-up budgets of the bundles: exit code 1 above a size. Import times are printed beside bare Node's of the
 * same run and never judged: a busy machine would make a test of them lie.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { performance } from "node:perf_hooks";
import { bundle, entries } from "./bundle.ts";

const KB = 1024;
/** Bytes that are loaded before the first line runs (design 10: the executor; the others may not grow unseen). */
const ENTRY_BUDGET: Readonly<Record<string, number>> = {
  executor: 450 * KB,
  webhook: 1_200 * KB,
  dispatcher: 1_600 * KB,
  collector: 1_600 * KB,
  cli: 150 * KB,
};
const TARGET_IMPORT_MS = 60;
const ROUNDS = 7;

/** Milliseconds from start to exit of a process that only imports `main.js`; the code of a main waits for its import. */
async function startUpMs(args: readonly string[]): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      child.on("error", reject);
      child.on("exit", () => resolve());
    });
    samples.push(performance.now() - startedAt);
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
}

/** A script that loads the code of `main.js`, its static imports included, and ends before main itself acts. */
async function importProbe(dir: string): Promise<string> {
  const probe = path.join(dir, "import-probe.mjs");
  const lines = [
    'import { registerHooks } from "node:module";',
    "registerHooks({",
    "  load: (url, context, next) => {",
    "    const loaded = next(url, context);",
    '    if (!url.endsWith("/main.js")) return loaded;',
    '    return { ...loaded, source: `${String(loaded.source).replace(/^((?:import[^;]*;)*)/, "$1process.exit(0);")}` };',
    "  },",
    "});",
    'await import("./main.js");',
  ];
  await writeFile(probe, `${lines.join("\n")}\n`);
  return probe;
}

let failed = false;
const bare = await startUpMs(["-e", "process.exit(0)"]);
console.log(`bare node    ${bare.toFixed(0)} ms`);
for (const entry of await entries()) {
  const { name, dir, entryBytes } = await bundle(entry);
  const budget = ENTRY_BUDGET[name];
  const over = budget !== undefined && entryBytes > budget;
  failed ||= over;
  const importMs = (await startUpMs([await importProbe(dir)])) - bare;
  const limit = budget === undefined ? "no budget" : `of ${(budget / KB).toFixed(0)} KB`;
  const verdict = over ? "  TOO LARGE" : "";
  console.log(
    `${name.padEnd(12)} entry ${(entryBytes / KB).toFixed(0)} KB ${limit}, import ${importMs.toFixed(0)} ms over bare node (target ${TARGET_IMPORT_MS})${verdict}`,
  );
}
if (failed) process.exitCode = 1;
