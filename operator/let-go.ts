/** Ended runs that belong to no team: nobody's reconciler looks at them, so all of them are looked at together. */
import { prunableTeamless } from "#core/reconcile/retention.ts";
import { againAndAgain } from "./again.ts";
import type { Deps } from "./deps.ts";
import { asRun } from "./state/run-record.ts";
import { hasEnded, type RunView } from "./state/views.ts";

type LetGoDeps = Pick<Deps, "config" | "informers" | "objects" | "now" | "log">;

/** Until `signal`. Never rejects. */
export function keepLettingGo({ config, informers, objects, now, log }: LetGoDeps, signal: AbortSignal): Promise<void> {
  const letGo = async () => {
    const ended = [...informers.runs.values()].filter(isOver).map(asRun);
    for (const key of prunableTeamless(ended, now())) await objects.delete("ArkRun", key);
  };
  const failed = "old runs of agents and services not let go";
  return againAndAgain(letGo, { everyMs: config.resyncMs, failed, log }, signal);
}

function isOver(run: RunView): boolean {
  return hasEnded(run) && !run.deleting && run.team === undefined;
}
