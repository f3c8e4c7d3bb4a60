/** `ark cancel RUN`: sets the annotation that the collector acts on. */
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import { followRun, requireRun } from "../follow.ts";
import type { Io } from "../io.ts";
import { CANCEL } from "../new-run.ts";
import { durationOption, type CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";
import { isEnded } from "../render/run-view.ts";
import { runReport } from "../render/run-story.ts";
import { runViewOf } from "../run-view.ts";

export type CancelOptions = CommonOptions & { readonly wait?: boolean; readonly timeout: string };

export async function cancel(cluster: Cluster, name: string, options: CancelOptions, io: Io): Promise<number> {
  const key = { namespace: options.namespace, name };
  const timeoutMs = durationOption("--timeout", options.timeout);
  const before = runViewOf(await requireRun(cluster, key));
  if (isEnded(before)) {
    io.err(`Run ${name} has ended already: ${before.phase}. Nothing was changed.\n`);
    return EXIT.done;
  }
  await cluster.patch("ArkRun", key, { metadata: { annotations: { [CANCEL]: "true" } } });
  if (options.wait !== true) {
    printResult(io, options.output, { runName: name, cancelling: true }, () => `${name}\n`);
    return EXIT.done;
  }
  const ended = await followRun(cluster, key, { progress: "quiet", timeoutMs }, io);
  printResult(io, options.output, runReport(ended, io.now()), () => `${name} ${ended.reason ?? ended.phase}\n`);
  return EXIT.done;
}
