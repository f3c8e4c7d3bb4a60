/** Ended runs that belong to no team: nobody's reconciler looks at them, so all of them are looked at together. */
import { setTimeout as delay } from "node:timers/promises";
import { prunableTeamless } from "#core/reconcile/retention.ts";
import type { Deps } from "./deps.ts";
import { asRun } from "./state/run-record.ts";
import { hasEnded, type RunView } from "./state/views.ts";

type LetGoDeps = Pick<Deps, "config" | "informers" | "objects" | "now" | "log">;

/** Until `signal`. Never rejects. */
export async function keepLettingGo(
  { config, informers, objects, now, log }: LetGoDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const ended = [...informers.runs.values()].filter(isOver).map(asRun);
      for (const key of prunableTeamless(ended, now())) await objects.delete("ArkRun", key);
    } catch (error) {
      log.warn({ err: error }, "old runs of agents and services not let go");
    }
    await delay(config.resyncMs, undefined, { signal }).catch(() => undefined);
  }
}

function isOver(run: RunView): boolean {
  return hasEnded(run) && !run.deleting && run.team === undefined;
}
