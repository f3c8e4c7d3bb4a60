/**
 * Whether an attempt that did not succeed is followed by another one: what the engine decides by the step's spec and the
 * attempts before it (core/pipeline/outcomes, O2 and O3), read from the record, which a resumed stream has not seen.
 */
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import type { Fact, StepFinished } from "#core/events/facts.ts";
import type { FactLog, RunName } from "#core/ports/record.ts";

type Finished = { readonly seq: number; readonly fact: StepFinished };

export async function isTriedAgain(
  run: RunName,
  finished: Finished,
  facts: Pick<FactLog, "history">,
): Promise<boolean> {
  const { fact } = finished;
  if (!mayBe(fact)) return false;
  const { step, refusals } = await lookBack(run, finished, facts);
  const { retry, validate } = step ?? {};
  if (fact.outcome.kind === "failed") return fact.attempt - refusals < (retry?.limit ?? 0);
  return validate?.onFailure === "retry" && refusals < validate.maxRetries;
}

/** Refusals: of answers of this iteration, before this attempt. */
async function lookBack(run: RunName, { seq, fact }: Finished, facts: Pick<FactLog, "history">) {
  let step: Step | undefined;
  let refusals = 0;
  for await (const before of facts.history(run)) {
    if (before.seq >= seq) break;
    step ??= stepOf(before.fact, fact.step);
    if (isRefusal(before.fact, fact)) refusals += 1;
  }
  return { step, refusals };
}

function mayBe({ outcome }: StepFinished): boolean {
  return outcome.kind === "failed" ? outcome.mayPass : outcome.kind === "invalid" && outcome.retryable;
}

function stepOf(fact: Fact, step: string): Step | undefined {
  if (fact.kind !== "run.requested") return undefined;
  return fact.spec.pipeline?.find(({ name, role }) => (name ?? role) === step);
}

function isRefusal(before: Fact, { step, iteration }: StepFinished): boolean {
  const { kind } = before;
  if (kind !== "step.finished" || before.outcome.kind !== "invalid") return false;
  return before.step === step && before.iteration === iteration;
}
