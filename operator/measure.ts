/** What the leading replica counts of its own work, and what it knows of the whole. */
import type { Meters } from "#core/ports/meters.ts";
import type { Whole } from "#core/reconcile/readings.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import type { Informers } from "./deps.ts";
import { splitWorkKey } from "./keys.ts";
import { hasEnded } from "./state/views.ts";

type Work = (key: string) => Promise<WorkOutcome>;

/** How long a pass over one object takes, by its kind and what came of it. */
export function measuredWork(work: Work, meters: Meters): Work {
  return async (key) => {
    const startedAt = performance.now();
    const [kind] = splitWorkKey(key);
    const tell = (outcome: WorkOutcome["kind"] | "failed") =>
      meters.record("ark.reconcile.duration", (performance.now() - startedAt) / 1_000, {
        "ark.kind": kind,
        "ark.outcome": outcome,
      });
    try {
      const outcome = await work(key);
      tell(outcome.kind);
      return outcome;
    } catch (error) {
      tell("failed");
      throw error;
    }
  };
}

/** As it is seen here, once all kinds have been seen. */
export function wholeOf({ runs }: Pick<Informers, "runs">, letters: Whole["letters"]): Whole {
  return {
    *runs() {
      for (const run of runs.values()) yield { namespace: run.namespace, team: run.team, hasEnded: hasEnded(run) };
    },
    letters,
  };
}
