/**
 * Writes what is made of the schemas, of the command and of the settings: `crds/` and `docs/reference/`. With `--check` it
 * writes nothing, names every file that differs and ends with 1.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { GENERATED, generatedFiles, type Files } from "./generated-files.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

/** Generated files are told by their ending; others may stand beside them. */
async function present(folder: string): Promise<string[]> {
  const names = await readdir(path.join(ROOT, folder)).catch(() => []);
  return names.filter((name) => GENERATED.test(name)).map((name) => `${folder}/${name}`);
}

async function differing(files: Files): Promise<string[]> {
  const names = new Set([...files.keys(), ...(await present("crds")), ...(await present("docs/reference"))]);
  const found: string[] = [];
  for (const name of [...names].toSorted()) {
    const now = await readFile(path.join(ROOT, name), "utf8").catch(() => undefined);
    if (now !== files.get(name)) found.push(name);
  }
  return found;
}

async function write(name: string, text: string | undefined): Promise<void> {
  const file = path.join(ROOT, name);
  if (text === undefined) return rm(file);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

const files = generatedFiles();
const changed = await differing(files);
if (process.argv.includes("--check")) {
  for (const name of changed) console.error(`${name} differs from what the sources say: npm run generate`);
  process.exitCode = changed.length > 0 ? 1 : 0;
} else {
  for (const name of changed) {
    await write(name, files.get(name));
    console.log(files.has(name) ? `wrote ${name}` : `removed ${name}`);
  }
}
