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
/** Names of the tool calls that answers asked for, by their ids. */
type Calls = Map<string, string>;

/** Facts of one run in order; undefined when there are none. */
export function spansOf(run: string, facts: readonly Fact[]): Span | undefined {
  const [first] = facts;
  if (first === undefined) return undefined;
  const root: Open = { name: `ark.run ${run}`, startedAt: first.at, note: "", children: [] };
  const attempts = new Map<string, Open>();
  const calls: Calls = new Map();
  for (const fact of facts) {
    root.endedAt = fact.at;
    if ("step" in fact) placeStep(fact, attemptOf(fact, attempts, root), calls);
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

function placeStep(fact: StepFact, attempt: Open, calls: Calls): void {
  if (fact.kind === "step.turn") {
    // A turn began where the one before it ended.
    const startedAt = attempt.children.at(-1)?.endedAt ?? attempt.startedAt;
    const spans = turnSpans(fact, calls).map((span) => ({ ...span, startedAt, endedAt: fact.at, children: [] }));
    attempt.children.push(...spans);
  } else if (fact.kind === "step.finished") {
    attempt.endedAt = fact.at;
    attempt.note = fact.outcome.kind === "done" ? "" : `${fact.outcome.kind}: ${fact.outcome.code}`;
  }
}

function turnSpans(fact: StepTurn, calls: Calls): readonly Pick<Span, "name" | "note">[] {
  const record = "inline" in fact.record ? (JSON.parse(fact.record.inline) as RecordedTurn) : undefined;
  if (record?.kind === "tools") {
    return record.results.map(({ callId, isError }) => ({
      name: `execute_tool ${calls.get(callId) ?? callId}`,
      note: isError ? "error" : "",
    }));
  }
  for (const call of record?.answer.toolCalls ?? []) calls.set(call.id, call.name);
  return [{ name: `chat ${fact.model}`, note: `${fact.usage.inputTokens + fact.usage.outputTokens} tokens` }];
}
