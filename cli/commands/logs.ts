/** `ark logs RUN`: turns, tool calls and outputs, from the facts. */
import { stringify } from "yaml";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Fact } from "#core/events/facts.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import { factsOf } from "../fact-feed.ts";
import { requireRun } from "../follow.ts";
import type { Io } from "../io.ts";
import { usage, type CommonOptions } from "../options.ts";
import { factLines, stepOf } from "../render/facts.ts";

export type LogsOptions = CommonOptions & {
  readonly follow?: boolean;
  readonly step?: string;
  readonly tail?: string;
  readonly full?: boolean;
};

export async function logs(cluster: Cluster, name: string, options: LogsOptions, io: Io): Promise<number> {
  const key = { namespace: options.namespace, name };
  const tail = tailOption(options);
  const run = await requireRun(cluster, key);
  requireStep(options.step, run);
  const print = printerOf(options, io);
  const kept: Fact[] = [];
  const reading = { follow: options.follow === true, whole: options.full === true };
  for await (const { fact } of factsOf(cluster, key, reading, io)) {
    if (!isWanted(fact, options.step)) continue;
    if (tail === undefined) print(fact);
    else kept.push(fact);
  }
  for (const fact of tail === undefined ? [] : kept.slice(Math.max(0, kept.length - tail))) print(fact);
  return EXIT.done;
}

function requireStep(step: string | undefined, run: ArkRun): void {
  const known = run.status?.steps?.map(({ name }) => name) ?? [];
  if (step === undefined || known.length === 0 || known.includes(step)) return;
  const name = run.metadata.name ?? "";
  throw usage(`run ${name} has no step ${JSON.stringify(step)}`, `Its steps: ${known.join(", ")}.`);
}

/** What belongs to the run as a whole is shown with any step. */
function isWanted(fact: Fact, step: string | undefined): boolean {
  const about = stepOf(fact);
  return step === undefined || about === undefined || about === step;
}

function tailOption(options: LogsOptions): number | undefined {
  if (options.tail === undefined) return undefined;
  if (options.follow === true) throw usage("--tail and --follow exclude each other", "Leave one of them out.");
  const tail = Number(options.tail);
  if (Number.isSafeInteger(tail) && tail >= 0) return tail;
  throw usage(`--tail is ${JSON.stringify(options.tail)}`, "Give the number of newest entries to show.");
}

function printerOf(options: LogsOptions, io: Io): (fact: Fact) => void {
  let startedAt: number | undefined;
  return (fact) => {
    startedAt ??= fact.at;
    if (options.output === "json") return io.out(`${JSON.stringify(fact)}\n`);
    if (options.output === "yaml") return io.out(`---\n${stringify(fact, { lineWidth: 0 })}`);
    const lines = factLines(fact, { style: io.outStyle, startedAt, full: options.full === true });
    if (lines.length > 0) io.out(`${lines.join("\n")}\n`);
  };
}
