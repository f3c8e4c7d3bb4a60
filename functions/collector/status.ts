/**
 * Writes `ArkRun.status`, as its only writer (P5).
 *
 * W1  At most one write per run in `everyMs`; what comes meanwhile is written as one, the newest (design 10).
 * W2  A fact is acknowledged after the status that shows it was written: a crash loses no status, least of all the
 *     last one.
 * W3  While the sink is away runs go on (P8): a durable timer brings the run back here, then the fact is acknowledged.
 * W4  Writes of one run never overlap, so an older status never replaces a newer one.
 */
import { project } from "#core/pipeline/project.ts";
import type { Graph } from "#core/pipeline/graph.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { Logger } from "#core/ports/log.ts";
import type { RunStatusSink } from "#core/ports/objects.ts";
import type { Timers } from "#core/ports/record.ts";

/** The timer of a status that is owed; never seen by the engine. */
export const STATUS_TIMER = "status";

export type StatusWriter = {
  /** Shows `state` soon, then calls `shown`; at once where the run's last write is old enough. */
  show(graph: Graph, state: RunState, shown: () => void): void;
  /** Shows all that waits now; resolves when nothing is left. */
  flush(): Promise<void>;
};

export type StatusWriterOptions = {
  readonly sink: RunStatusSink;
  readonly timers: Timers;
  readonly now: () => number;
  readonly log: Logger;
  readonly everyMs: number;
  /** After how long an owed status is tried again. */
  readonly owedMs: number;
};

type Waiting = { readonly graph: Graph; readonly state: RunState; readonly shown: readonly (() => void)[] };
type Slot = { writtenAt: number; waiting: Waiting | undefined; timer: NodeJS.Timeout | undefined; writing: boolean };

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { now, everyMs } = options;
  const slots = new Map<string, Slot>();
  /** Slots with something waiting or being written. */
  let busy = 0;
  let flushing = false;
  let flushed: (() => void)[] = [];

  const schedule = (key: string, slot: Slot): void => {
    if (slot.writing || slot.waiting === undefined) return;
    clearTimeout(slot.timer);
    const soonest = slot.writtenAt + everyMs - now();
    // Most runs are shown once only if a young run's first status waits for what follows; an end never waits.
    const wait = slot.waiting.state.phase.kind === "running" ? Math.max(soonest, everyMs) : soonest;
    if (flushing || wait <= 0) return void write(key, slot, slot.waiting);
    const { waiting } = slot;
    slot.timer = setTimeout(() => void write(key, slot, slot.waiting ?? waiting), wait);
  };

  const write = async (key: string, slot: Slot, waiting: Waiting): Promise<void> => {
    clearTimeout(slot.timer);
    slot.waiting = undefined;
    slot.writing = true;
    const settled = await writeOnce(waiting, options);
    slot.writing = false;
    slot.writtenAt = now();
    if (settled) for (const shown of waiting.shown) shown();
    if (slot.waiting === undefined) rest(key, slot);
    else schedule(key, slot);
  };

  /** A run that stays quiet for `everyMs` leaves nothing behind. */
  const rest = (key: string, slot: Slot): void => {
    slot.timer = setTimeout(() => slots.delete(key), everyMs);
    slot.timer.unref();
    busy -= 1;
    if (busy > 0) return;
    for (const resolve of flushed) resolve();
    flushed = [];
  };

  return {
    show(graph, state, shown) {
      const key = `${state.namespace}.${state.run}`;
      const slot: Slot = slots.get(key) ?? {
        writtenAt: Number.NEGATIVE_INFINITY,
        waiting: undefined,
        timer: undefined,
        writing: false,
      };
      slots.set(key, slot);
      const first = slot.waiting === undefined;
      if (first && !slot.writing) busy += 1;
      slot.waiting = { graph, state, shown: [...(slot.waiting?.shown ?? []), shown] };
      if (first || state.phase.kind !== "running") schedule(key, slot);
    },
    async flush() {
      if (busy === 0) return;
      flushing = true;
      const done = new Promise<void>((resolve) => flushed.push(resolve));
      for (const [key, slot] of slots) schedule(key, slot);
      await done;
      flushing = false;
    },
  };
}

/** Whether the fact behind it may be acknowledged. */
async function writeOnce({ graph, state }: Waiting, options: StatusWriterOptions): Promise<boolean> {
  const { sink, log } = options;
  const fields = { namespace: state.namespace, run: state.run };
  try {
    for (let tries = 0; tries < 5; tries += 1) {
      // A run that was deleted meanwhile has no status to show: `absent` is as good as written.
      const { kind } = await sink.writeStatus(
        "ArkRun",
        { namespace: state.namespace, name: state.run },
        project(graph, state),
      );
      if (kind !== "conflict") return true;
    }
    log.warn(fields, "status write kept meeting conflicts");
  } catch (error) {
    log.warn({ ...fields, err: error }, "status could not be written");
  }
  try {
    await options.timers.set(state, STATUS_TIMER, options.now() + options.owedMs);
    return true;
  } catch (error) {
    log.warn({ ...fields, err: error }, "owed status could not be noted");
    return false;
  }
}
