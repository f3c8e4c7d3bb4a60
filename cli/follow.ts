/**
 * Follows a run to its end, telling stderr how it goes.
 *
 * W1  Waits on the object's changes alone: no polling.
 * W2  On a timeout or an interruption the run goes on; the error says so.
 */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import { formatDuration } from "#core/duration.ts";
import type { Cluster, Key } from "./cluster.ts";
import type { Io } from "./io.ts";
import { LiveBlock } from "./live.ts";
import { progressBlock, progressChanges } from "./render/progress.ts";
import { isEnded, type RunView } from "./render/run-view.ts";
import { runViewOf } from "./run-view.ts";

const FRAME_MS = 100;

export type FollowOptions = {
  /** `quiet` shows nothing; `lines` never repaints, each line begins with `prefix`. */
  readonly progress: "live" | "lines" | "quiet";
  readonly prefix?: string;
  readonly timeoutMs?: number;
};

/** The ended run. Throws when it vanishes, the server goes away, time runs out, or the user stops it. */
export async function followRun(cluster: Cluster, key: Key, options: FollowOptions, io: Io): Promise<RunView> {
  using stop = scopeOf(io.signal, options.timeoutMs);
  using painter = painterOf(options, io);
  let isThere = false;
  for await (const change of cluster.watch("ArkRun", { namespace: key.namespace, name: key.name }, stop.signal)) {
    if (change.type === "deleted") throw gone(key);
    const view = runViewOf(change.object);
    isThere = true;
    painter.show(view);
    if (isEnded(view)) return view;
  }
  if (io.signal.aborted) throw io.signal.reason;
  if (stop.signal.aborted) throw timedOut(key, isThere, options.timeoutMs ?? 0);
  throw new ArkError(
    "server.unreachable",
    `${cluster.description} stopped telling about run ${key.name}`,
    `Look whether it still runs, then \`ark status ${key.name}\`.`,
  );
}

export async function requireRun(cluster: Cluster, key: Key): Promise<ArkRun> {
  const run = await cluster.get("ArkRun", key);
  if (run !== undefined) return run;
  throw gone(key);
}

function gone(key: Key): ArkError {
  return new ArkError(
    "run.not_found",
    `there is no ArkRun ${key.name} in namespace ${key.namespace}`,
    `List what is there: ark get runs -n ${key.namespace}`,
  );
}

function timedOut(key: Key, isThere: boolean, ms: number): ArkError {
  if (!isThere) {
    const hint = `Look at the conditions of its event: ark get events -n ${key.namespace} -o yaml.`;
    return new ArkError("timeout", `there is no run ${key.name} after ${formatDuration(ms)}`, hint);
  }
  return new ArkError(
    "timeout",
    `run ${key.name} has not ended within ${formatDuration(ms)}; it goes on`,
    `Look again with \`ark status ${key.name}\`, or stop it with \`ark cancel ${key.name}\`.`,
  );
}

type Scope = Disposable & { readonly signal: AbortSignal };

function scopeOf(outer: AbortSignal, timeoutMs: number | undefined): Scope {
  const own = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => own.abort(), timeoutMs);
  return {
    signal: AbortSignal.any([outer, own.signal]),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      own.abort();
    },
  };
}

type Painter = Disposable & { show(view: RunView): void };

function painterOf(options: FollowOptions, io: Io): Painter {
  switch (options.progress) {
    case "quiet":
      return { show: () => {}, [Symbol.dispose]: () => {} };
    case "lines":
      return linePainter(options.prefix ?? "", io);
    case "live":
      return livePainter(io);
  }
}

function linePainter(prefix: string, io: Io): Painter {
  let before: RunView | undefined;
  return {
    show: (view) => {
      const now = { now: io.now(), columns: io.columns(), style: io.style };
      for (const line of progressChanges(before, view, now)) io.err(`${prefix}${line}\n`);
      before = view;
    },
    [Symbol.dispose]: () => {},
  };
}

function livePainter(io: Io): Painter {
  const block = new LiveBlock(io);
  let frame = 0;
  let view: RunView | undefined;
  const paint = () => {
    if (view === undefined) return;
    const size = { columns: io.columns(), rows: io.rows() };
    block.paint(progressBlock(view, frame, { now: io.now(), ...size, style: io.style }));
    frame += 1;
  };
  const timer = setInterval(paint, FRAME_MS);
  return {
    show: (next) => {
      view = next;
      paint();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      block.release();
    },
  };
}
