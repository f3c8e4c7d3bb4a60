/**
 * Follows the ArkRun objects: starts those made by hand, hands on cancels, keeps what teams show of their runs, and lets
 * old runs go.
 *
 * W1  A run without a phase is announced again at every start: announcing twice is harmless (D32).
 * W2  A run is deleted with its record, and only once it has ended; deleting one that goes on cancels it first.
 * W3  A store that was away costs no start, no cancel and no end: the watch begins anew, and what was not done is done.
 * W4  A run whose team is not there waits a while for it, then ends and says so (P4). It holds up no other.
 */
import { keyOf } from "#core/api/object-key.ts";
import type { Sleep } from "#core/agent/ports.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { parseDuration } from "#core/duration.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import { type FactLog, type RunRef, type RunStates, StoreUnavailable } from "#core/ports/record.ts";
import type { RunGlance } from "#core/reconcile/readings.ts";
import { prunable, prunableTeamless } from "#core/reconcile/retention.ts";
import type { TeamRuns } from "#core/reconcile/team-status.ts";
import { Coalesced } from "./coalesce.ts";
import { hasEnded, RunsByTeam } from "./team-runs.ts";

export type RunsDeps = {
  readonly objects: Objects;
  readonly facts: FactLog;
  readonly states: RunStates;
  /** Gives a run made by hand its snapshot and announces it. The last try announces it whatever is missing. */
  readonly start: (run: ArkRun, isLastTry: boolean) => Promise<"started" | "again">;
  /** A team's newest run or phase changed. */
  readonly onChange: () => void;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly log: Logger;
};

export const CANCEL = "arkonis.dev/cancel";
const CANCELLED_END_MS = 60_000;
const PRUNE_EVERY_MS = 500;
const AGE_CHECK_MS = 60_000;
const START_AGAIN_MS = 2_000;
const START_TRIES = 5;

export class Runs {
  readonly #deps: RunsDeps;
  readonly #runs = new Map<string, ArkRun>();
  readonly #byTeam = new RunsByTeam();
  readonly #cancelled = new Set<string>();
  readonly #prune: Coalesced;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
    this.#prune = new Coalesced(
      () => this.#letGo(),
      (error) => deps.log.error({ err: error }, "old runs could not be deleted"),
    );
  }

  /** Watches until `signal`; rejects when the watch breaks. */
  async run(signal: AbortSignal): Promise<void> {
    const everyMinute = setInterval(() => this.#pruneSoon(), AGE_CHECK_MS);
    try {
      await this.#missed(signal);
      for await (const { type, object } of this.#deps.objects.watch("ArkRun", { signal })) {
        if (type === "deleted") this.#gone(object, signal);
        else await this.#seen(object, signal);
      }
    } finally {
      clearInterval(everyMinute);
      clearTimeout(this.#timer);
      await this.#prune.idle();
    }
  }

  *glances(): Generator<RunGlance> {
    for (const run of this.#runs.values()) {
      const { namespace = "default" } = run.metadata;
      yield { namespace, team: run.spec.teamRef, hasEnded: hasEnded(run) };
    }
  }

  of(teamKey: string): TeamRuns {
    return this.#byTeam.of(teamKey);
  }

  /** W3: what went while nobody watched. */
  async #missed(signal: AbortSignal): Promise<void> {
    if (this.#runs.size === 0) return;
    const present = new Set((await this.#deps.objects.list("ArkRun")).map(({ metadata }) => metadata.uid));
    for (const run of this.#runs.values()) if (!present.has(run.metadata.uid)) this.#gone(run, signal);
  }

  async #seen(run: ArkRun, signal: AbortSignal): Promise<void> {
    const before = this.#runs.get(keyOf(run));
    const isNew = before?.metadata.uid !== run.metadata.uid;
    if (isNew && phaseOf(run) === undefined) await this.#start(run, signal);
    this.#runs.set(keyOf(run), run);
    this.#byTeam.set(run);
    if (isCancelled(run)) await this.#cancel(run, "cancelled by annotation");
    if (isNew || phaseOf(before) !== phaseOf(run)) this.#deps.onChange();
    if (hasEnded(run)) this.#pruneSoon();
  }

  /** W3: a run is known only once it is started. What is wrong with one holds up no other. */
  async #start(run: ArkRun, signal: AbortSignal): Promise<void> {
    const failed = (error: unknown) => {
      if (error instanceof StoreUnavailable) throw error;
      this.#deps.log.error({ err: error, run: run.metadata.name }, "run not started");
    };
    const outcome = await this.#deps.start(run, false).catch(failed);
    if (outcome === "again") void this.#startLater(run, signal).catch(failed);
  }

  /** W4, for as long as the run itself is there; by W3 a try without the store is none. */
  async #startLater(run: ArkRun, signal: AbortSignal): Promise<void> {
    for (let tries = 2; ;) {
      await this.#deps.sleep(START_AGAIN_MS, signal);
      if (signal.aborted || this.#runs.get(keyOf(run))?.metadata.uid !== run.metadata.uid) return;
      try {
        if ((await this.#deps.start(run, tries === START_TRIES)) === "started") return;
        tries += 1;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  }

  async #cancel(run: ArkRun, message: string): Promise<void> {
    const ref = refOf(run);
    if (hasEnded(run) || this.#cancelled.has(ref.uid)) return;
    await this.#deps.facts.publish(ref, { kind: "run.cancel", at: this.#deps.now(), message });
    this.#cancelled.add(ref.uid);
  }

  #gone(run: ArkRun, signal: AbortSignal): void {
    const last = this.#runs.get(keyOf(run)) ?? run;
    this.#runs.delete(keyOf(run));
    this.#byTeam.delete(last);
    this.#deps.onChange();
    this.#forget(last, signal).catch((error: unknown) => {
      this.#deps.log.warn({ err: error, run: run.metadata.name }, "the record of a deleted run stays");
    });
  }

  /** W2. */
  async #forget(run: ArkRun, signal: AbortSignal): Promise<void> {
    const ref = refOf(run);
    if (!hasEnded(run)) {
      await this.#cancel(run, "the run was deleted");
      await this.#ended(ref, AbortSignal.any([signal, AbortSignal.timeout(CANCELLED_END_MS)]));
    }
    this.#cancelled.delete(ref.uid);
    await this.#deps.states.delete(ref);
    await this.#deps.facts.purge(ref);
  }

  async #ended(ref: RunRef, signal: AbortSignal): Promise<void> {
    for await (const state of this.#deps.states.watch(ref, signal)) if (state.phase.kind !== "running") return;
  }

  #pruneSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#prune.poke();
    }, PRUNE_EVERY_MS);
  }

  async #letGo(): Promise<void> {
    const { objects, now } = this.#deps;
    const teams = await objects.list("ArkTeam");
    for (const team of teams) {
      const { namespace = "default" } = team.metadata;
      const ended = this.#byTeam.ended(keyOf(team));
      for (const name of prunable(team.spec, ended, now(), retention(team)))
        await objects.delete("ArkRun", { namespace, name });
    }
    const all = [...this.#runs.values()].filter(hasEnded);
    for (const key of prunableTeamless(all, now())) await objects.delete("ArkRun", key);
  }
}

function retention(team: ArkTeam): number | undefined {
  return team.spec.runRetainFor === undefined ? undefined : parseDuration(team.spec.runRetainFor);
}

function refOf(run: ArkRun): RunRef {
  const { namespace = "default", name = "", uid = "" } = run.metadata;
  return { namespace, run: name, uid };
}

function phaseOf(run: ArkRun | undefined): string | undefined {
  return run?.status?.phase;
}

function isCancelled(run: ArkRun): boolean {
  return run.metadata.annotations?.[CANCEL] === "true";
}
