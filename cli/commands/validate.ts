/** `ark validate FILE…`: all faults at once, each with file, line and field. */
import * as path from "node:path";
import { checkManifests } from "../check.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { printResult } from "../print.ts";
import { printable } from "../render/style.ts";
import type { OutputFormat } from "../options.ts";

export type ValidateOptions = { readonly output: OutputFormat; readonly checkAgents?: boolean };

export async function validate(files: readonly string[], options: ValidateOptions, io: Io): Promise<number> {
  const { faultText, invalidManifests } = await import("../../local/manifests/faults.ts");
  const relative = (file: string) => path.relative(io.cwd, file) || file;
  const sources = files.map((file) => path.resolve(io.cwd, file));
  const checked = await checkManifests(sources, { references: options.checkAgents === true });
  for (const warning of checked.warnings)
    io.err(`${io.style.yellow("warning:")} ${printable(faultText(warning, relative))}\n`);
  if (options.output !== "text") {
    const { faults, warnings } = checked;
    printResult(io, options.output, { valid: faults.length === 0, faults, warnings }, () => "");
    return faults.length === 0 ? EXIT.done : EXIT.usage;
  }
  if (checked.faults.length > 0) throw invalidManifests(checked.faults, "nothing was changed", relative);
  const names = checked.placed.map(({ object }) => `${object.kind} ${object.metadata.name ?? ""}\n`);
  const foreign = checked.foreign === 0 ? "" : `${checked.foreign} of other kinds, not judged\n`;
  io.out(`${names.join("")}${foreign}`);
  io.err(`${io.style.green("valid")}: ${checked.placed.length} objects\n`);
  return EXIT.done;
}
