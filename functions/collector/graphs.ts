/** Graphs by what they are made of: runs of one team share one, and its templates are compiled once. */
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { plan, planKey, type PlanOutcome } from "#core/pipeline/plan.ts";

export type Graphs = { of(spec: ArkRunSpec): PlanOutcome };

/** Least recently used first out, above `max`. */
export function createGraphs(max: number): Graphs {
  const planned = new Map<string, PlanOutcome>();
  return {
    of(spec) {
      const key = planKey(spec);
      const known = planned.get(key) ?? plan(spec);
      planned.delete(key);
      planned.set(key, known);
      for (const oldest of planned.keys()) {
        if (planned.size <= max) break;
        planned.delete(oldest);
      }
      return known;
    },
  };
}
