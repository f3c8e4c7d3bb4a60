/** `ark up`: the whole system on this machine, until it is stopped. */
import * as path from "node:path";
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { greet } from "../greet.ts";
import { clusterOf, type ProviderName, type StartLocal } from "../local-host.ts";
import { createLogger, type Level } from "../log.ts";
import { usage } from "../options.ts";
import { progressChanges } from "../render/progress.ts";
import { isEnded, type RunView } from "../render/run-view.ts";
import { runViewOf } from "../run-view.ts";

export type UpOptions = {
  readonly file: readonly string[];
  readonly port: string;
  readonly data: string;
  readonly provider: ProviderName;
  readonly logLevel: Level;
};

const SLOW_STOP_MS = 500;

/** Resolves once it was told to stop and has stopped. */
export async function up(options: UpOptions, startLocal: StartLocal, io: Io): Promise<number> {
  try {
    await serve(options, startLocal, io);
  } catch (error) {
    if (!io.signal.aborted || error !== io.signal.reason) throw error;
  }
  io.err("Stopped. What was accepted is kept, and goes on with the next `ark up`.\n");
  return EXIT.interrupted;
}

async function serve(options: UpOptions, startLocal: StartLocal, io: Io): Promise<void> {
  const files = options.file.length === 0 ? ["."] : options.file;
  const local = await startLocal({
    sources: files.map((file) => path.resolve(io.cwd, file)),
    dataDir: path.resolve(io.cwd, options.data),
    port: portOption(options.port),
    provider: options.provider,
    env: io.env,
    log: createLogger(io, options.logLevel),
    signal: io.signal,
    opensPorts: true,
  });
  try {
    const cluster = clusterOf(local, io);
    await greet(cluster, local, io);
    const failed = local.failed.then((error) => {
      throw failure(error);
    });
    await Promise.race([tellRuns(cluster, io), failed]);
  } finally {
    const slow = setTimeout(
      () => io.err("Stopping: what is in hand has 10s to end. Ctrl-C again ends at once.\n"),
      SLOW_STOP_MS,
    );
    await local.stop();
    clearTimeout(slow);
  }
}

function failure(error: Error): ArkError {
  if (error instanceof ArkError) return error;
  const hint = "What was accepted is kept: start again with `ark up`.";
  return new ArkError("internal", `local mode has failed: ${error.message}`, hint, { cause: error });
}

function portOption(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usage(`--port is ${JSON.stringify(text)}`, "Give a number from 0 (any free port) to 65535.");
}

/** One line per step that moves, of every run, until the signal. Runs that had ended before are not told again. */
async function tellRuns(cluster: Cluster, io: Io): Promise<void> {
  const shown = new Map<string, RunView>();
  const there = await cluster.list("ArkRun", {});
  const ended = new Set(there.filter((run) => isEnded(runViewOf(run))).map((run) => run.metadata.uid));
  for await (const { type, object } of cluster.watch("ArkRun", {}, io.signal)) {
    const view = runViewOf(object);
    const key = `${view.namespace}/${view.name}`;
    const { uid } = object.metadata;
    if (type === "deleted") ended.delete(uid);
    else if (!ended.has(uid)) {
      const options = { now: io.now(), columns: io.columns(), style: io.style };
      const lines = progressChanges(shown.get(key), view, options);
      for (const line of lines) io.err(`${io.style.dim(view.name)}  ${line}\n`);
      shown.set(key, view);
      if (isEnded(view)) ended.add(uid);
    }
    if (type === "deleted" || ended.has(uid)) shown.delete(key);
  }
}
