/**
 * What an agent came to, as the fact that the engine folds. Long texts go into the store first (F3); a provider's own
 * words are cut, since a fact above the queue's limit could never be stored, and its task would never end (D24, P4).
 */
import type { AgentOutcome } from "#core/agent/task.ts";
import type { StepFinished, StepOutcome } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import { cut } from "#core/events/text.ts";
import type { Outputs } from "#core/ports/record.ts";

/** Outcomes that are a result; `lost` and `stopped` are none. */
export type Result = Exclude<AgentOutcome, { kind: "lost" | "stopped" }>;

const MESSAGE_CHARS = 8_000;

export async function finishedFact(task: Task, result: Result, at: number, outputs: Outputs): Promise<StepFinished> {
  return {
    kind: "step.finished",
    at,
    step: task.step,
    iteration: task.iteration,
    attempt: task.attempt,
    outcome: await stepOutcome(task, result, outputs),
    usage: result.usage,
  };
}

async function stepOutcome(task: Task, result: Result, outputs: Outputs): Promise<StepOutcome> {
  switch (result.kind) {
    case "done":
      return done(task, result, outputs);
    case "invalid": {
      const { code, message, retryable } = result;
      return {
        kind: "invalid",
        code,
        message: cut(message, MESSAGE_CHARS),
        retryable,
        answer: await outputs.store(task, result.answer),
      };
    }
    case "failed": {
      const { code, message, mayPass, afterMs } = result;
      return {
        kind: "failed",
        code,
        message: cut(message, MESSAGE_CHARS),
        mayPass,
        ...(afterMs !== undefined && { afterMs }),
      };
    }
    case "refused":
      return { kind: "refused", code: result.code, message: result.message };
  }
}

async function done(
  task: Task,
  { output, json, context, contextMissed }: Extract<Result, { kind: "done" }>,
  outputs: Outputs,
): Promise<StepOutcome> {
  const [whole, parsed, part] = await Promise.all([
    outputs.store(task, output),
    json === undefined ? undefined : outputs.store(task, JSON.stringify(json)),
    context === undefined ? undefined : outputs.store(task, context),
  ]);
  return {
    kind: "done",
    output: whole,
    ...(parsed !== undefined && { json: parsed }),
    ...(part !== undefined && { context: part }),
    ...(contextMissed !== undefined && { contextMissed: cut(contextMissed, MESSAGE_CHARS) }),
  };
}
