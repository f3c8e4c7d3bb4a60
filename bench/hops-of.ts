import type { Fact } from "#core/events/facts.ts";

/** Of a chain of steps `s0`, `s1`, …: from a result to the next step's start, by the executor's own clock, in whole milliseconds. */
export function hopsOf(facts: readonly Fact[], steps: number): readonly number[] {
  return Array.from({ length: steps - 1 }, (_, n) => {
    const finished = facts.find((fact) => fact.kind === "step.finished" && fact.step === `s${n}`);
    const started = facts.find((fact) => fact.kind === "step.started" && fact.step === `s${n + 1}`);
    return (started?.at ?? Number.NaN) - (finished?.at ?? Number.NaN);
  });
}
