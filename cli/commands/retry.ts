/** `ark retry TEAM|RUN`: a new run that takes over what succeeded and does the rest again (api 14). */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { createRun, newRun, RETRY_OF, RETRY_STEPS, TEAM_LABEL } from "../new-run.ts";
import { durationOption, usage, type CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";
import { newestFirst } from "./newest.ts";
import { finishRuns } from "./finish.ts";

export type RetryOptions = CommonOptions & {
  readonly step: readonly string[];
  readonly wait?: boolean;
  readonly timeout: string;
};

export async function retry(cluster: Cluster, name: string, options: RetryOptions, io: Io): Promise<number> {
  const timeoutMs = durationOption("--timeout", options.timeout);
  const old = await findRun(cluster, options.namespace, name);
  if (options.step.length === 0) requireFailed(old);
  else requireSteps(old, options.step);
  const oldName = old.metadata.name ?? "";
  const steps = options.step.length === 0 ? {} : { [RETRY_STEPS]: options.step.join(",") };
  const key = await createRun(cluster, newRun(options.namespace, old.spec, { [RETRY_OF]: oldName, ...steps }));
  const again = rerun(old, options.step).join(", ");
  io.err(`Retrying ${oldName} as ${key.name}: ${again} and what depends on them run again.\n`);
  if (options.wait === true) {
    return finishRuns(cluster, [key], { progress: io.live ? "live" : "lines", timeoutMs, output: options.output }, io);
  }
  printResult(io, options.output, { runs: [key.name], retryOf: oldName }, () => `${key.name}\n`);
  return EXIT.done;
}

async function findRun(cluster: Cluster, namespace: string, name: string): Promise<ArkRun> {
  const run = await cluster.get("ArkRun", { namespace, name });
  if (run !== undefined) return run;
  const runs = await cluster.list("ArkRun", { namespace, labels: { [TEAM_LABEL]: name } });
  const [newest] = newestFirst(runs);
  if (newest !== undefined) return newest;
  throw new ArkError(
    "run.not_found",
    `there is no run and no team with runs named ${name} in namespace ${namespace}`,
    `List what is there: ark get runs -n ${namespace}`,
  );
}

function requireFailed(run: ArkRun): void {
  const name = run.metadata.name ?? "";
  const phase = run.status?.phase ?? "Pending";
  if (phase === "Failed") return;
  const again =
    run.spec.teamRef === undefined ? "" : ` For a new run with the same input: ark trigger ${run.spec.teamRef}`;
  throw phase === "Succeeded"
    ? usage(`nothing failed in run ${name}`, `There is nothing to retry.${again}`)
    : usage(`run ${name} has not ended: ${phase}`, `Wait for it, or stop it first: ark cancel ${name} --wait`);
}

/** Named steps run again whatever became of them; the run must have ended, and have them. */
function requireSteps(run: ArkRun, steps: readonly string[]): void {
  const { phase } = run.status ?? {};
  if (phase !== "Succeeded") requireFailed(run);
  const known = (run.status?.steps ?? []).map((step) => step.name);
  const unknown = steps.find((step) => !known.includes(step));
  if (unknown === undefined) return;
  throw usage(`run ${run.metadata.name ?? ""} has no step ${unknown}`, `Its steps: ${known.join(", ")}.`);
}

function rerun(run: ArkRun, named: readonly string[]): readonly string[] {
  const steps = run.status?.steps ?? [];
  const failed = steps.filter(({ phase, name }) => phase === "Failed" || named.includes(name)).map(({ name }) => name);
  return failed.length === 0 ? ["all steps that did not succeed"] : failed;
}
