/** How long a process takes to start, and what importing a bundle adds to it. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";

/** Milliseconds from start to exit, once per round. */
export async function startUpMs(args: readonly string[], rounds: number): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      child.on("error", reject);
      child.on("exit", () => resolve());
    });
    samples.push(performance.now() - startedAt);
  }
  return samples;
}

/** A script that loads the code of `main.js`, its static imports included, and ends before main itself acts. */
export async function importProbe(dir: string): Promise<string> {
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
