/**
 * Size and start-up budgets of the bundles: exit code 1 above a size. Import times are printed beside bare Node's of the
 * same run and never judged: a busy machine would make a test of them lie.
 */
import { bundle, entries } from "./bundle.ts";
import { importProbe, startUpMs } from "./start-up.ts";

const KB = 1024;
/** Bytes that are loaded before the first line runs (design 10: the executor; the others may not grow unseen). */
const ENTRY_BUDGET: Readonly<Record<string, number>> = {
  executor: 640 * KB,
  webhook: 700 * KB,
  dispatcher: 950 * KB,
  collector: 800 * KB,
  router: 760 * KB,
  cli: 150 * KB,
};
const TARGET_IMPORT_MS = 60;
const ROUNDS = 7;

async function medianMs(args: readonly string[]): Promise<number> {
  const samples = await startUpMs(args, ROUNDS);
  return samples.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
}

let failed = false;
const bare = await medianMs(["-e", "process.exit(0)"]);
console.log(`bare node    ${bare.toFixed(0)} ms`);
for (const entry of await entries()) {
  const { name, dir, entryBytes } = await bundle(entry);
  const budget = ENTRY_BUDGET[name];
  const over = budget !== undefined && entryBytes > budget;
  failed ||= over;
  const importMs = (await medianMs([await importProbe(dir)])) - bare;
  const limit = budget === undefined ? "no budget" : `of ${(budget / KB).toFixed(0)} KB`;
  const verdict = over ? "  TOO LARGE" : "";
  console.log(
    `${name.padEnd(12)} entry ${(entryBytes / KB).toFixed(0)} KB ${limit}, import ${importMs.toFixed(0)} ms over bare node (target ${TARGET_IMPORT_MS})${verdict}`,
  );
}
if (failed) process.exitCode = 1;
