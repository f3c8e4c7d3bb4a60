/** `ark trace RUN|TASKID`: what the record knows of a run's time, or its trace from where the spans were sent. */
import type { Fact } from "#core/events/facts.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import { factsOf } from "../fact-feed.ts";
import { requireRun } from "../follow.ts";
import type { Io } from "../io.ts";
import { usage, type CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";
import { spansOf } from "../render/spans.ts";
import { traceText } from "../render/trace.ts";
import { storedTrace } from "../trace-store.ts";

export type TraceOptions = CommonOptions & { readonly endpoint?: string };

export async function trace(cluster: Cluster, name: string, options: TraceOptions, io: Io): Promise<number> {
  const run = await findRun(cluster, name, options.namespace);
  return options.endpoint === undefined
    ? recorded(cluster, run, options, io)
    : stored(run, options.endpoint, options, io);
}

async function stored(run: ArkRun, endpoint: string, options: TraceOptions, io: Io): Promise<number> {
  const runName = run.metadata.name ?? "";
  const traceID = run.status?.traceID;
  if (traceID === undefined) throw notBegun(runName);
  if (!/^https?:\/\//.test(endpoint)) {
    throw usage(`--endpoint is ${JSON.stringify(endpoint)}, which is no address`, "Write http://localhost:16686.");
  }
  const roots = await storedTrace(endpoint, traceID, io.signal);
  printResult(io, options.output, { runName, traceID, roots }, () =>
    roots.map((root) => traceText(root, { now: io.now(), style: io.outStyle })).join(""),
  );
  return EXIT.done;
}

function notBegun(run: string): ArkError {
  return new ArkError("run.not_found", `nothing is recorded of run ${run} yet`, `Look at it: ark status ${run}`);
}

async function recorded(cluster: Cluster, run: ArkRun, options: TraceOptions, io: Io): Promise<number> {
  const key = { namespace: options.namespace, name: run.metadata.name ?? "" };
  const facts: Fact[] = [];
  for await (const { fact } of factsOf(cluster, key, { follow: false }, io)) facts.push(fact);
  const root = spansOf(key.name, facts);
  if (root === undefined) throw notBegun(key.name);
  const traceId = run.status?.traceID;
  printResult(io, options.output, { runName: key.name, traceID: traceId, root }, () =>
    traceText(root, { now: io.now(), style: io.outStyle }),
  );
  io.err(
    traceId === undefined
      ? "This run has no trace id.\n"
      : `Trace ${traceId}: its spans are where OTEL_EXPORTER_OTLP_ENDPOINT pointed while it ran; unset, none were sent.\n`,
  );
  return EXIT.done;
}

/** A task id begins with the run's uid: `<uid>/<step>/<iteration>/<attempt>`. */
async function findRun(cluster: Cluster, name: string, namespace: string): Promise<ArkRun> {
  const slash = name.indexOf("/");
  if (slash < 0) return requireRun(cluster, { namespace, name });
  const runs = await cluster.list("ArkRun", { namespace });
  const found = runs.find((run) => run.metadata.uid === name.slice(0, slash));
  if (found !== undefined) return found;
  throw new ArkError(
    "run.not_found",
    `no run in namespace ${namespace} has the task ${name}`,
    "Take it from a run's status.",
  );
}
