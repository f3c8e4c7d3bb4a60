/**
 * Bundles: one folder per function, one for the operator, one for the command, under dist/. Each holds a small `main.js`, chunks for what
 * is loaded later, and source maps; nothing of node_modules is needed beside it.
 */
import { readdir, rm, stat } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { leaveOutUnused } from "./bundle-unused.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = path.join(ROOT, "dist");

export type Entry = { readonly name: string; readonly file: string };

/** Every function that has a main, the operator, then the command. */
export async function entries(): Promise<readonly Entry[]> {
  const functions = await readdir(path.join(ROOT, "functions")).catch(() => []);
  const candidates = [
    ...functions
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((name) => ({ name, file: path.join(ROOT, "functions", name, "main.ts") })),
    { name: "operator", file: path.join(ROOT, "operator", "main.ts") },
    { name: "cli", file: path.join(ROOT, "cli", "main.ts") },
  ];
  const found = await Promise.all(candidates.map(({ file }) => stat(file).catch(() => undefined)));
  return candidates.filter((_, index) => found[index] !== undefined);
}

export type Bundle = {
  readonly name: string;
  readonly dir: string;
  readonly entryBytes: number;
  readonly bytes: number;
};

/**
 * `entryBytes`: main.js and the chunks it loads before it runs; `bytes`: all of the bundle's code. Maps are for
 * `stack-trace.ts`; an image goes without.
 */
export async function bundle({ name, file }: Entry, out = OUT, { maps = true } = {}): Promise<Bundle> {
  const dir = path.join(out, name);
  await rm(dir, { recursive: true, force: true });
  const build = await rolldown({
    input: { main: file },
    cwd: ROOT,
    platform: "node",
    external: [/^node:/],
    transform: { target: "node24" },
    treeshake: true,
    plugins: [leaveOutUnused()],
    onLog: (level, log) => {
      if (level === "warn") console.warn(`${name}: ${log.message}`);
    },
  });
  const { output } = await build.write({
    dir,
    format: "esm",
    // Hidden from Node: at the first stack trace it would decode a whole map and keep it, 40 MB in the operator.
    sourcemap: maps ? "hidden" : false,
    sourcemapExcludeSources: true,
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await build.close();
  const chunks = output.filter((part) => part.type === "chunk");
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const eager = new Set<string>();
  const visit = (fileName: string): void => {
    if (eager.has(fileName) || !byName.has(fileName)) return;
    eager.add(fileName);
    for (const imported of byName.get(fileName)?.imports ?? []) visit(imported);
  };
  visit("main.js");
  const size = (names: Iterable<string>) =>
    [...names].reduce((sum, one) => sum + Buffer.byteLength(byName.get(one)?.code ?? ""), 0);
  return { name, dir, entryBytes: size(eager), bytes: size(byName.keys()) };
}

if (import.meta.main) {
  for (const entry of await entries()) {
    const { name, entryBytes, bytes } = await bundle(entry);
    const kb = (count: number) => `${(count / 1024).toFixed(0)} KB`.padStart(8);
    console.log(`${name.padEnd(12)} entry ${kb(entryBytes)}   all ${kb(bytes)}`);
  }
}
