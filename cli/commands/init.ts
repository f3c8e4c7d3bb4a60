/** `ark init DIR`: a project that runs as it stands, without a key. */
import { mkdir, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { ArkError } from "#core/errors.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { STARTER_FILES } from "../starter.ts";

export type InitOptions = { readonly force?: boolean };

/** Files that are there stay as they are, unless `--force`; all are checked before one is written (P10). */
export async function init(dir: string, options: InitOptions, io: Io): Promise<number> {
  const folder = path.resolve(io.cwd, dir);
  const files = Object.entries(STARTER_FILES).map(([name, text]) => ({ name, text, file: path.join(folder, name) }));
  if (options.force !== true) await requireAbsent(files.map(({ file }) => file));
  await mkdir(folder, { recursive: true });
  for (const { text, file } of files) await writeFile(file, text);
  io.err(`Wrote ${files.map(({ name }) => name).join(", ")} to ${folder}.\n`);
  io.err(`Next: cd ${dir} && ark run team.yaml --input topic=owls\n`);
  return EXIT.done;
}

async function requireAbsent(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) continue;
    const hint = "Choose another folder, or overwrite the files with --force.";
    throw new ArkError("input.invalid", `${file} is there already; nothing was written`, hint);
  }
}
