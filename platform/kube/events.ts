/**
 * Kubernetes Events (events.k8s.io/v1) on the objects that people look at.
 *
 * V1  Repeats of one event on one object become one series, written at most once in `SERIES_MS`.
 * V2  Telling never fails and never waits: what cannot be written is dropped, and so is what comes too fast. Normal ones
 *     may take half of the room: what asks for a look is told also while thousands of runs go well.
 * V3  Of one object so many are told at once, and then a few an hour: an ArkEvent that fires 30 times a second would have
 *     its own events as its greatest load. The numbers are those of client-go's EventSourceObjectSpamFilter.
 * V4  Writes go one after another with a pause between them, Warnings first: a run that does many steps at once does not
 *     share the API server with ten writes about them. `eventTime` says when it was told.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#core/ports/log.ts";
import type { Kube } from "./client.ts";

export type Regarding = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
};

export type Told = {
  readonly type: "Normal" | "Warning";
  /** One CamelCase word. */
  readonly reason: string;
  /** One word: what was done. */
  readonly action: string;
  readonly note: string;
};

export type Recorder = { tell(regarding: Regarding, told: Told): void };

export type RecorderOptions = {
  readonly controller: string;
  readonly instance: string;
  readonly now: () => number;
  readonly log: Logger;
  /** Most events that are told within `FORGET_MS`. */
  readonly room?: number;
};

type Series = { readonly path: string; readonly name: string; count: number; writtenAt: number; isWaiting: boolean };

type Write = { readonly series: Series; readonly create: object | undefined };

/** How many events of an object may still be told, as of a moment. */
type Budget = { readonly left: number; readonly at: number };

const SERIES_MS = 30_000;
/** A series ends when it was silent for this long. */
const FORGET_MS = 6 * 60_000;
const MAX_SERIES = 2_000;
const MAX_NOTE = 1_024;
/** V4: the pause after a write. */
const GAP_MS = 50;
/** V3. */
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const WRITE_MS = 5_000;

export function createRecorder(kube: Kube, options: RecorderOptions): Recorder {
  const known = new Map<string, Series>();
  const budgets = new Map<string, Budget>();
  const { now, log, room = MAX_SERIES } = options;

  const write = async ({ series, create }: Write): Promise<void> => {
    series.isWaiting = false;
    series.writtenAt = now();
    const lastObservedTime = microTime(now());
    try {
      const { status } = await kube.request({
        method: create === undefined ? "PATCH" : "POST",
        path: create === undefined ? `${series.path}/${series.name}` : series.path,
        ...(create === undefined && { contentType: "application/merge-patch+json" }),
        body: create ?? { series: { count: series.count, lastObservedTime } },
        timeoutMs: WRITE_MS,
      });
      if (status > 299) log.debug({ status, event: series.name }, "Kubernetes Event not written");
    } catch (error) {
      log.debug({ err: error }, "Kubernetes Event not written");
    }
  };

  const enqueue = oneByOne(write);

  return {
    tell(regarding, told) {
      const key = createHash("sha256")
        .update(JSON.stringify([regarding.uid, told]))
        .digest("hex");
      const at = now();
      const series = known.get(key);
      if (series !== undefined && at - series.writtenAt < FORGET_MS) {
        series.count += 1;
        if (!series.isWaiting && at - series.writtenAt >= SERIES_MS) enqueue(told.type, { series, create: undefined });
        return;
      }
      const own = told.type === "Warning" ? room : room / 2;
      if (known.size >= own) forgetOld(known, at);
      if (known.size >= own || !mayTell(budgets, regarding.uid, at)) return;
      const { namespace } = regarding;
      const name = `${regarding.name.slice(0, 180)}.${key.slice(0, 10)}${at.toString(16)}`;
      const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
      const made: Series = { path, name, count: 1, writtenAt: at, isWaiting: false };
      known.set(key, made);
      enqueue(told.type, { series: made, create: eventObject(name, regarding, told, options) });
    },
  };
}

/** V4. */
function oneByOne(write: (one: Write) => Promise<void>): (type: Told["type"], one: Write) => void {
  const waiting: Record<Told["type"], Write[]> = { Warning: [], Normal: [] };
  const take = (): Write | undefined => waiting.Warning.shift() ?? waiting.Normal.shift();
  let isWriting = false;
  const writeAll = async (): Promise<void> => {
    isWriting = true;
    for (let next = take(); next !== undefined; next = take()) {
      await write(next);
      // What is told last does not hold its process up.
      await delay(GAP_MS, undefined, { ref: false });
    }
    isWriting = false;
  };
  return (type, one) => {
    one.series.isWaiting = true;
    waiting[type].push(one);
    if (!isWriting) void writeAll();
  };
}

/** V3. Of too many objects the one that told least lately is forgotten. */
function mayTell(budgets: Map<string, Budget>, uid: string, at: number): boolean {
  const { left, at: since } = budgets.get(uid) ?? { left: BURST, at };
  const now = Math.min(BURST, left + (at - since) / REFILL_MS);
  if (now < 1) return false;
  budgets.delete(uid);
  if (budgets.size >= MAX_SERIES) budgets.delete(budgets.keys().next().value ?? "");
  budgets.set(uid, { left: now - 1, at });
  return true;
}

function forgetOld(known: Map<string, Series>, at: number): void {
  for (const [key, { writtenAt }] of known) if (at - writtenAt >= FORGET_MS) known.delete(key);
}

function eventObject(name: string, regarding: Regarding, told: Told, options: RecorderOptions): object {
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: regarding.namespace },
    eventTime: microTime(options.now()),
    reportingController: options.controller,
    reportingInstance: options.instance.slice(0, 128),
    regarding,
    type: told.type,
    reason: told.reason,
    action: told.action,
    note: told.note.slice(0, MAX_NOTE),
  };
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, "000Z");
}
