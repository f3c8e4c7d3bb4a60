/** The trace of a run as its facts tell it: run, attempts, model calls and tools, with when and how long. Pure. */
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { Fact, StepTurn } from "#core/events/facts.ts";

export type Span = {
  readonly name: string;
  readonly startedAt: number;
  /** Absent while it goes on. */
  readonly endedAt?: number;
  readonly note: string;
  readonly children: readonly Span[];
};

type Open = { name: string; startedAt: number; endedAt?: number; note: string; children: Open[] };

/** Facts of one run in order; undefined when there are none. */
export function spansOf(run: string, facts: readonly Fact[]): Span | undefined {
  const [first] = facts;
  if (first === undefined) return undefined;
  const root: Open = { name: `ark.run ${run}`, startedAt: first.at, note: "", children: [] };
  const attempts = new Map<string, Open>();
  for (const fact of facts) {
    root.endedAt = fact.at;
    if ("step" in fact) placeStep(fact, attemptOf(fact, attempts, root));
    else if (fact.kind === "run.cancel") root.note = "cancelled";
    else if (fact.kind === "run.refused") root.note = fact.reason;
  }
  return root;
}

type StepFact = Extract<Fact, { step: string }>;

function attemptOf(fact: StepFact, attempts: Map<string, Open>, root: Open): Open {
  const id = `${fact.step}/${fact.iteration}/${fact.attempt}`;
  const known = attempts.get(id);
  if (known !== undefined) return known;
  const suffix = fact.iteration + fact.attempt === 0 ? "" : ` #${fact.iteration + 1}.${fact.attempt + 1}`;
  const opened: Open = { name: `ark.step ${fact.step}${suffix}`, startedAt: fact.at, note: "", children: [] };
  attempts.set(id, opened);
  root.children.push(opened);
  return opened;
}

function placeStep(fact: StepFact, attempt: Open): void {
  const before = attempt.children.at(-1)?.endedAt ?? attempt.startedAt;
  if (fact.kind === "step.turn") {
    for (const name of turnNames(fact)) {
      attempt.children.push({ name, startedAt: before, endedAt: fact.at, note: turnNote(fact), children: [] });
    }
  } else if (fact.kind === "step.finished") {
    attempt.endedAt = fact.at;
    attempt.note = fact.outcome.kind === "done" ? "" : `${fact.outcome.kind}: ${fact.outcome.code}`;
  }
}

function turnNames(fact: StepTurn): readonly string[] {
  const record = "inline" in fact.record ? (JSON.parse(fact.record.inline) as RecordedTurn) : undefined;
  if (record?.kind !== "tools") return [`chat ${fact.model}`];
  return record.results.map((result) => `execute_tool ${result.callId}`);
}

function turnNote({ usage }: StepTurn): string {
  const tokens = usage.inputTokens + usage.outputTokens;
  return tokens === 0 ? "" : `${tokens} tokens`;
}
