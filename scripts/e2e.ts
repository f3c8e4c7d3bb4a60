/**
 * The end-to-end tests on a lab: brings it up when it is down, packs the images, runs the tests inside its network, and
 * takes down what it brought up. `node scripts/e2e.ts --lab PATH [what vitest is told]`
 */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Starting is a matter of some processes finding each other: now and then one of them is late. */
const STARTS = 3;

function run(command: string, args: readonly string[], stdio: "inherit" | "ignore" = "inherit"): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", stdio, stdio] });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function bringUp(lab: string): Promise<boolean> {
  for (let left = STARTS; left > 0; left -= 1) {
    if ((await run(lab, ["up"])) === 0) return true;
    await run(lab, ["down"]);
  }
  return false;
}

async function withLab(lab: string, words: readonly string[]): Promise<number> {
  if ((await run(process.execPath, ["scripts/images.ts", "--lab", lab, "--tools"])) !== 0) return 1;
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const inside = ["exec", process.execPath, vitest, "run", "--root", ROOT, "--project", "e2e", ...words];
  return run(lab, inside);
}

const [flag, where, ...words] = process.argv.slice(2);
if (flag !== "--lab" || where === undefined) {
  console.error("node scripts/e2e.ts --lab PATH [what vitest is told]");
  process.exitCode = 2;
} else {
  const lab = path.resolve(where);
  const wasUp = (await run(lab, ["exec", "true"], "ignore")) === 0;
  if (wasUp || (await bringUp(lab))) {
    process.exitCode = await withLab(lab, words);
    if (!wasUp) await run(lab, ["down"]);
  } else process.exitCode = 1;
}
