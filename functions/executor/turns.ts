/**
 * Turns of a task on the record.
 *
 * T1  A turn is stored before the next one is asked for; asked again, it is replayed (P3).
 * T2  Two holders never both record a turn: what is stored first counts, the other one has lost its lease (P2, L3).
 */
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { StepTurn, Usage } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Outputs, StoredFact } from "#core/ports/record.ts";

/** In order of their index; at most one each. */
export async function recordedTurns(
  task: Task,
  stored: readonly StoredFact[],
  outputs: Outputs,
): Promise<readonly RecordedTurn[]> {
  const turns = await Promise.all(
    stored.map(async ({ fact }) =>
      fact.kind === "step.turn" ? (JSON.parse(await outputs.load(task, fact.record)) as RecordedTurn) : undefined,
    ),
  );
  const byIndex = new Map<number, RecordedTurn>();
  for (const turn of turns) if (turn !== undefined && !byIndex.has(turn.index)) byIndex.set(turn.index, turn);
  return [...byIndex.values()].toSorted((a, b) => a.index - b.index);
}

/** What the turns that are stored have cost, whether they can be read or not. */
export function paid(stored: readonly StoredFact[]): { readonly usage: Usage; readonly turns: number } {
  const usages = stored.flatMap(({ fact }) => (fact.kind === "step.turn" ? [fact.usage] : []));
  const sum = (of: keyof Usage) => usages.reduce((total, usage) => total + usage[of], 0);
  return { usage: { inputTokens: sum("inputTokens"), outputTokens: sum("outputTokens") }, turns: usages.length };
}

export async function turnFact(task: Task, turn: RecordedTurn, model: string, outputs: Outputs): Promise<StepTurn> {
  return {
    kind: "step.turn",
    at: turn.at,
    step: task.step,
    iteration: task.iteration,
    attempt: task.attempt,
    turn: turn.index,
    usage: turn.kind === "model" ? turn.usage : { inputTokens: 0, outputTokens: 0 },
    model,
    record: await outputs.store(task, JSON.stringify(turn)),
  };
}

/** Whether the stored turn of `fact`'s index is this very one: then a publish whose answer was lost did arrive. */
export function isStored(fact: StepTurn, stored: readonly StoredFact[]): boolean {
  const same = stored.find((one) => one.fact.kind === "step.turn" && one.fact.turn === fact.turn);
  return same !== undefined && same.fact.kind === "step.turn" && textOf(same.fact.record) === textOf(fact.record);
}

function textOf(text: StepTurn["record"]): string {
  return "inline" in text ? text.inline : text.ref.digest;
}
