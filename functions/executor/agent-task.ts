/** A task of the queue as the agent loop wants it. */
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { AgentTask, ContextPolicy, ResolvedAgent, Validation } from "#core/agent/task.ts";
import { attemptId } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Outputs } from "#core/ports/record.ts";

export async function agentTask(
  task: Task,
  agent: ResolvedAgent,
  recorded: readonly RecordedTurn[],
  outputs: Outputs,
): Promise<AgentTask> {
  const [prompt, answer] = await Promise.all([
    outputs.load(task, task.prompt),
    task.earlier === undefined ? undefined : outputs.load(task, task.earlier.answer),
  ]);
  return {
    taskId: attemptId(task.uid, task),
    agent,
    prompt,
    recorded,
    timeoutMs: task.timeoutMs ?? agent.limits.timeoutMs,
    ...(task.outputSchema !== undefined && { outputSchema: asJson(task.outputSchema) }),
    ...(task.validate !== undefined && { validate: validation(task.validate) }),
    ...(task.contextPolicy !== undefined && { contextPolicy: contextPolicy(task.contextPolicy) }),
    ...(task.earlier !== undefined && { earlier: { answer: answer ?? "", reason: task.earlier.reason } }),
  };
}

/** A schema that is no JSON is left as text: the output check names it as the broken one. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function validation({ rejectPatterns, contains, schema, ...rest }: NonNullable<Task["validate"]>): Validation {
  return {
    ...(rejectPatterns !== undefined && { rejectPatterns }),
    ...(contains !== undefined && { contains }),
    ...(schema !== undefined && { schema: typeof schema === "string" ? asJson(schema) : schema }),
    ...(rest.semantic !== undefined && {
      semantic: {
        criteria: rest.semantic,
        ...(rest.semanticModel !== undefined && { model: rest.semanticModel }),
      },
    }),
  };
}

function contextPolicy({ strategy, extract, compress }: NonNullable<Task["contextPolicy"]>): ContextPolicy {
  switch (strategy) {
    case "full":
    case "none":
      return { strategy };
    case "extract":
      return extract === undefined ? { strategy: "full" } : { strategy, path: extract.path };
    case "compress":
      return { strategy, ...compress };
  }
}
