/** Waits for runs and tells how they ended: progress on stderr, outputs on stdout, the exit code of api 14. */
import type { Cluster, Key } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import { followRun, type FollowOptions } from "../follow.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../options.ts";
import { printOutput, printResult } from "../print.ts";
import { wholeOutput } from "../whole-output.ts";
import type { RunView } from "../render/run-view.ts";
import { runReport } from "../render/run-story.ts";

export type FinishOptions = Omit<FollowOptions, "prefix"> & { readonly output: OutputFormat };

export async function finishRuns(
  cluster: Cluster,
  runs: readonly Key[],
  options: FinishOptions,
  io: Io,
): Promise<number> {
  const several = runs.length > 1;
  const progress = several && options.progress === "live" ? "lines" : options.progress;
  const ended = await Promise.all(
    runs.map((key) =>
      followRun(cluster, key, { ...options, progress, ...(several ? { prefix: `${key.name}  ` } : {}) }, io),
    ),
  );
  const told = await Promise.all(ended.map((run) => wholeOutput(cluster, run, io)));
  printEnded(told, options.output, io);
  if (ended.some((run) => run.phase !== "Succeeded")) return EXIT.runFailed;
  // Whoever takes the output for the whole one is told by the code too: nobody may look at stderr.
  return told.some((run) => run.outputBytes !== undefined) ? EXIT.server : EXIT.done;
}

/** One run: its output or report; several: each under its name, or a list of reports. */
function printEnded(runs: readonly RunView[], format: OutputFormat, io: Io): void {
  const reports = runs.map((run) => runReport(run, io.now()));
  printResult(io, format, reports.length === 1 ? reports[0] : reports, () => "");
  if (format !== "text") return;
  for (const run of runs) {
    if (runs.length > 1) io.err(`\n${io.style.bold(run.name)}\n`);
    if (run.phase === "Succeeded") printOutput(io, run.output ?? "");
  }
}
