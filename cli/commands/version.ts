/** `ark version`. */
import packageJson from "../../package.json" with { type: "json" };
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import type { CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";

export function version(options: Pick<CommonOptions, "output">, io: Io): number {
  const versions = { ark: packageJson.version, node: process.versions.node };
  printResult(io, options.output, versions, () => `ark ${versions.ark}, node ${versions.node}\n`);
  return EXIT.done;
}
