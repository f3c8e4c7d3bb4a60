/**
 * What the parts of the turn loop share while one attempt runs.
 *
 * A1  Tokens only add up; `turns` counts answered model calls, side questions included (D19).
 * A2  A caller's abort is `stopped`, the task's own deadline is `task.timeout`; both abort `running`.
 */
import { replayOf, type Replay } from "./replay.ts";
import type { AgentDeps, Usage } from "./ports.ts";
import type { AgentOutcome, AgentTask } from "./task.ts";

type Bare<T> = T extends unknown ? Omit<T, "usage" | "turns"> : never;
/** An outcome before the totals are added. */
export type Ending = Bare<AgentOutcome>;

export type Attempt = Disposable & {
  readonly task: AgentTask;
  readonly deps: AgentDeps;
  readonly running: AbortSignal;
  readonly deadlineAt: number;
  readonly replay: Replay;
  readonly count: (usage: Usage) => void;
  readonly total: () => { readonly usage: Usage; readonly turns: number };
  /** Why the attempt must not go on, or undefined. */
  readonly halted: () => Ending | undefined;
};

export function startAttempt(task: AgentTask, deps: AgentDeps, signal: AbortSignal): Attempt {
  const over = new AbortController();
  const deadline = new AbortController();
  void deps.sleep(task.timeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) deadline.abort();
  });
  const deadlineAt = deps.clock.now() + task.timeoutMs;
  let usage: Usage = { inputTokens: 0, outputTokens: 0 };
  let turns = 0;
  return {
    task,
    deps,
    running: AbortSignal.any([signal, deadline.signal]),
    deadlineAt,
    replay: replayOf(task.recorded),
    count: (more) => {
      usage = {
        inputTokens: usage.inputTokens + more.inputTokens,
        outputTokens: usage.outputTokens + more.outputTokens,
      };
      turns++;
    },
    total: () => ({ usage, turns }),
    halted: () => {
      if (signal.aborted) return { kind: "stopped" };
      if (!deadline.signal.aborted && deps.clock.now() < deadlineAt) return undefined;
      const message = `the task did not end within ${task.timeoutMs / 1000} s`;
      return { kind: "failed", code: "task.timeout", message, mayPass: true };
    },
    [Symbol.dispose]: () => over.abort(),
  };
}
