/** `ark retry`: results of succeeded steps are taken over; failed steps, and what depends on them, run again (api 14). */
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import type { StepResult } from "#core/events/facts.ts";
import type { RunState } from "#core/pipeline/state.ts";

/** `again`: steps to run again although they succeeded; with them goes everything that depends on them. */
export function carriedResults(
  earlier: RunState,
  pipeline: readonly Step[],
  again: readonly string[],
): Readonly<Record<string, StepResult>> {
  const carried: Record<string, StepResult> = {};
  const repeated = withDependents(pipeline, [...again, ...unfinished(earlier)]);
  for (const [name, step] of Object.entries(earlier.steps)) {
    if (step.phase === "succeeded" && step.result !== undefined && !repeated.has(name)) carried[name] = step.result;
  }
  return carried;
}

/** A skipped step's condition may come out otherwise: it is asked again, and so is what builds on it. */
function unfinished(earlier: RunState): readonly string[] {
  return Object.entries(earlier.steps).flatMap(([name, { phase }]) => (phase === "succeeded" ? [] : [name]));
}

function withDependents(pipeline: readonly Step[], first: readonly string[]): ReadonlySet<string> {
  const found = new Set(first);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { name, role, dependsOn = [] } of pipeline) {
      if (dependsOn.some((dependency) => found.has(dependency))) found.add(name ?? role);
    }
  }
  return found;
}
