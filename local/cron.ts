/**
 * Cron sources on one machine: publishes each tick as an event, and the missed ones after a pause.
 *
 * N1  A tick is stored in the outbox before it counts as done; a crash between repeats it under the same key (P1).
 * N2  Ticks of a suspended event pass: they are not caught up when it resumes.
 */
import * as path from "node:path";
import * as z from "zod";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { Logger } from "#core/ports/log.ts";
import { missedTicks, nextTick, type Schedule } from "#core/schedule/ticks.ts";
import { Coalesced } from "./coalesce.ts";
import { readPrivate, writePrivate } from "./private-file.ts";

export type CronDeps = {
  readonly dataDir: string;
  /** Stores the fire; resolves once it cannot be lost. */
  readonly fire: (event: ArkEvent, tickMs: number, caughtUp: boolean) => Promise<void>;
  readonly now: () => number;
  readonly log: Logger;
};

const Done = z.record(z.string(), z.number());
const LONGEST_WAIT_MS = 60_000;
/** A tick this late is the clock's doing, not a missed one. */
const ON_TIME_SECONDS = 10;

export class Cron {
  readonly #deps: CronDeps;
  readonly #file: string;
  readonly #pass: Coalesced;
  #done: Record<string, number>;
  #events: readonly ArkEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  private constructor(deps: CronDeps, file: string, done: Record<string, number>) {
    this.#deps = deps;
    this.#file = file;
    this.#done = done;
    this.#pass = new Coalesced(
      () => this.#tick(),
      (error) => {
        deps.log.error({ err: error }, "cron pass failed");
        this.#wait(1_000);
      },
    );
  }

  static async open(deps: CronDeps): Promise<Cron> {
    const file = path.join(deps.dataDir, "ticks.json");
    const read = await readPrivate(file, Done);
    if (read.kind === "damaged") deps.log.warn({ file }, "damaged; ticks are caught up from each event's creation on");
    return new Cron(deps, file, read.kind === "read" ? read.value : {});
  }

  /** The cron events there are now. */
  use(events: readonly ArkEvent[]): void {
    this.#events = events.filter((event) => event.spec.source.type === "cron");
    this.#pass.poke();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass.idle();
  }

  async #tick(): Promise<void> {
    const now = this.#deps.now();
    const done: Record<string, number> = {};
    // An older time on disk is as good as this one while no tick lies between them.
    let owed = false;
    for (const event of this.#events) {
      const uid = event.metadata.uid ?? "";
      done[uid] = now;
      const last = this.#done[uid] ?? created(event, now);
      const late = missedTicks(scheduleOf(event), last, now, deadlineOf(event));
      owed ||= late.length > 0 || this.#done[uid] === undefined;
      if (event.spec.suspended) continue;
      for (const tick of late) await this.#deps.fire(event, tick, now - tick > LONGEST_WAIT_MS);
    }
    this.#done = done;
    if (owed) await writePrivate(this.#file, done);
    this.#wait(this.#untilNext(now));
  }

  /** A look at the clock every minute also notices a machine that slept. */
  #untilNext(now: number): number {
    const next = this.#events
      .filter((event) => !event.spec.suspended)
      .map((event) => nextTick(scheduleOf(event), now) ?? Number.POSITIVE_INFINITY);
    return Math.min(LONGEST_WAIT_MS, ...next.map((at) => at - this.#deps.now()));
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#events.length === 0) return;
    this.#timer = setTimeout(() => this.#pass.poke(), Math.max(ms, 0) + 1);
  }
}

function deadlineOf({ spec }: ArkEvent): number | undefined {
  const { startingDeadlineSeconds: deadline } = spec;
  return deadline === undefined ? undefined : Math.max(deadline, ON_TIME_SECONDS);
}

function created(event: ArkEvent, now: number): number {
  const at = Date.parse(event.metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? now : at;
}

function scheduleOf({ spec: { source } }: ArkEvent): Schedule {
  return { cron: source.cron ?? "", ...(source.timeZone !== undefined && { timeZone: source.timeZone }) };
}
