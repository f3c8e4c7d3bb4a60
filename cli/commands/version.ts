/** `ark version`. */
import { readFile } from "node:fs/promises";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import type { CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";

export async function version(packageFile: URL, options: Pick<CommonOptions, "output">, io: Io): Promise<number> {
  const text = await readFile(packageFile, "utf8");
  const { version: ark } = JSON.parse(text) as { version: string };
  printResult(
    io,
    options.output,
    { ark, node: process.versions.node },
    () => `ark ${ark}, node ${process.versions.node}\n`,
  );
  return EXIT.done;
}
