/**
 * The tool calls of one turn, all at once.
 *
 * T1  Results stand in the order of the calls and are recorded as one turn; a recorded turn is not run again (P3).
 * T2  Every fault is text for the model (D27): it may choose another way. Nothing here fails the task.
 * T3  `<task id>/<turn>/<call>` is the idempotency key, the same for every try of a call and for every executor.
 * T4  After an abort nothing is recorded: what the tools said then is about the abort.
 */
import { isJsonObject, parseJson } from "#core/json.ts";
import { callId } from "./ask.ts";
import type { Attempt, Ending } from "./attempt.ts";
import { backoffMs } from "./backoff.ts";
import type { ToolCall, ToolOutcome, ToolResult } from "./ports.ts";

export type ToolsRun =
  | { readonly kind: "results"; readonly results: readonly ToolResult[] }
  | { readonly kind: "end"; readonly ending: Ending };

/** `asked` is the number of the model turn that made the calls. */
export async function runTools(
  attempt: Attempt,
  calls: readonly ToolCall[],
  asked: { readonly index: number; readonly digest: string },
): Promise<ToolsRun> {
  const recorded = attempt.replay.tools(calls.map(({ id }) => id));
  if (recorded !== undefined) return { kind: "results", results: recorded.results };
  const halted = attempt.halted();
  if (halted !== undefined) return { kind: "end", ending: halted };
  const results = await Promise.all(
    calls.map((call, position) => runOne(attempt, call, `${callId(attempt, asked.index)}/${position}`)),
  );
  const interrupted = attempt.halted();
  if (interrupted !== undefined) return { kind: "end", ending: interrupted };
  const stored = await attempt.deps.turns.record({
    kind: "tools",
    index: attempt.replay.take(),
    requestDigest: asked.digest,
    results,
    at: attempt.deps.clock.now(),
  });
  if (stored === "lost") return { kind: "end", ending: { kind: "lost" } };
  return { kind: "results", results };
}

async function runOne(attempt: Attempt, call: ToolCall, idempotencyKey: string): Promise<ToolResult> {
  const args = readArguments(call.arguments);
  if (args === undefined) {
    return { callId: call.id, text: "The arguments are not a JSON object. Call the tool again.", isError: true };
  }
  const outcome = await callWithRetries(attempt, call.name, args, idempotencyKey);
  return { callId: call.id, text: outcome.text, isError: outcome.kind === "error" };
}

/** No arguments at all is how several models call a tool that takes none. */
function readArguments(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === "") return {};
  const value = parseJson(text);
  return isJsonObject(value) ? { ...value } : undefined;
}

async function callWithRetries(
  attempt: Attempt,
  name: string,
  args: Readonly<Record<string, unknown>>,
  idempotencyKey: string,
): Promise<ToolOutcome> {
  const { deps, task, running } = attempt;
  for (let tries = 0; ; tries++) {
    const outcome = await deps.tools.call(name, args, { idempotencyKey }, running);
    if (outcome.kind === "result" || !outcome.mayPass || tries >= task.agent.limits.retries) return outcome;
    const delay = outcome.afterMs ?? backoffMs(tries, deps.random());
    if (running.aborted || deps.clock.now() + delay >= attempt.deadlineAt) return outcome;
    await deps.sleep(delay, running);
    if (running.aborted) return outcome;
  }
}
