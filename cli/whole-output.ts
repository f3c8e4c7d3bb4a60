/** A long output stands in the status by its beginning: whoever asked for the output gets all of it, or is told (D24). */
import type { Cluster } from "./cluster.ts";
import type { Io } from "./io.ts";
import type { RunView } from "./render/run-view.ts";

/** `outputBytes` stays where it is the beginning alone. */
export async function wholeOutput(cluster: Cluster, run: RunView, io: Io): Promise<RunView> {
  const { outputBytes, ...rest } = run;
  if (outputBytes === undefined) return run;
  const output = await cluster.output(run, io.signal);
  if (output !== undefined) return { ...rest, output };
  io.err(`Shown is the beginning of ${outputBytes} bytes: the whole output of run ${run.name} could not be read.\n`);
  return run;
}
