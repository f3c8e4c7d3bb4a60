/**
 * Figures beside baselines of the same run: `npm run bench -- [--json] [--only NAME]... [--runs N] [--write FILE]`.
 * Writes nothing unless `--write` says where; section "Cluster" of that file stays.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { measureBaseline, type Measured } from "./baseline.ts";
import type { Bench, Figure } from "./figure.ts";
import { burst } from "./burst.ts";
import { collectorAlone } from "./collector.ts";
import { hop } from "./hop.ts";
import { chainInLocalMode, fanOut } from "./local.ts";
import { importTime } from "./import.ts";
import { stored } from "./stored.ts";
import { lineOf, machineLine, markdown } from "./print.ts";

const BENCHES: readonly Bench[] = [hop, chainInLocalMode, fanOut, burst, collectorAlone, importTime, stored];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      runs: { type: "string", default: "5100" },
      write: { type: "string" },
    },
  });
  const names = BENCHES.map(({ name }) => name);
  const unknown = values.only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no bench is called ${unknown.join(", ")}; there are ${names.join(", ")}`);
  const print = (line: string) => values.json || console.log(line);
  const machine = machineLine();
  print(machine);
  const figures: Figure[] = [];
  const add = (found: readonly Figure[]) => {
    figures.push(...found);
    for (const one of found) print(lineOf(one));
  };
  let measured: Promise<Measured> | undefined;
  const baseline = async () => {
    const isFirst = measured === undefined;
    const known = await (measured ??= measureBaseline());
    if (isFirst) add(known.figures);
    return known.baseline;
  };
  for (const { name, run } of BENCHES)
    if (values.only.length === 0 || values.only.includes(name)) add(await run({ runs: Number(values.runs), baseline }));
  if (values.json) console.log(JSON.stringify({ machine, at: new Date().toISOString(), figures }, null, 2));
  if (values.write !== undefined)
    await writeFile(values.write, markdown(machine, figures) + (await rest(values.write)));
}

/** What `npm run bench:cluster` printed stays in the file. */
async function rest(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  const at = text.indexOf("\n## Cluster");
  return at < 0 ? "" : text.slice(at);
}

await main();
