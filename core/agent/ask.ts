/**
 * One durable, counted model call.
 *
 * Q1  A recorded turn answers in place of the model; its cost is settled again, which is idempotent (P3, E16).
 * Q2  Reserve, call, record, settle, in this order (P6): a crash between the last two is mended by Q1.
 * Q3  Every try of a call has the same idempotency key. Only errors that may pass are tried again.
 * Q4  Where the budget cannot hold the whole answer limit, a smaller one is asked for, down to 256 tokens.
 */
import type { Attempt, Ending } from "./attempt.ts";
import { backoffMs } from "./backoff.ts";
import { inputTokens } from "./conversation.ts";
import type {
  Message,
  ModelAnswer,
  ModelOutcome,
  Provider,
  Reservation,
  ResponseFormat,
  ToolSpec,
  TurnPurpose,
} from "./ports.ts";

export type Question = {
  readonly purpose: TurnPurpose;
  readonly model: string;
  readonly provider: Provider;
  readonly messages: readonly Message[];
  /** Of `messages`, see `conversation.ts`. */
  readonly bytes: number;
  readonly digest: string;
  readonly tools: () => Promise<readonly ToolSpec[]>;
  readonly temperature?: number;
  readonly responseFormat: ResponseFormat;
};

export type Asked =
  | { readonly kind: "answer"; readonly answer: ModelAnswer; readonly index: number; readonly limitedBy?: string }
  | { readonly kind: "end"; readonly ending: Ending };

type Reserved = Extract<Reservation, { kind: "reserved" }> & {
  readonly maxTokens: number;
  readonly limitedBy?: string;
};
type Tried =
  | Asked
  | {
      readonly kind: "again";
      readonly failure: Extract<ModelOutcome, { kind: "retry" }>;
    };

const LEAST_TOKENS = 256;
/** A step may have weeks for its attempt; one call may not, and no timer counts so far. */
const LONGEST_CALL_MS = 24 * 3_600_000;

export async function ask(attempt: Attempt, question: Question): Promise<Asked> {
  const replayed = await replay(attempt, question.purpose);
  if (replayed !== undefined) return replayed;
  const tools = await question.tools();
  const index = attempt.replay.take();
  for (let tries = 0; ; tries++) {
    const halted = attempt.halted();
    if (halted !== undefined) return { kind: "end", ending: halted };
    const tried = await callOnce(attempt, question, tools, index);
    if (tried.kind !== "again") return tried;
    const { deps } = attempt;
    const delay = tried.failure.afterMs ?? backoffMs(tries, deps.random());
    const isLast = tries >= attempt.task.agent.limits.retries || deps.clock.now() + delay >= attempt.deadlineAt;
    if (isLast) return { kind: "end", ending: attempt.halted() ?? failure(tried.failure, true) };
    await deps.sleep(delay, attempt.running);
  }
}

async function replay(attempt: Attempt, purpose: TurnPurpose): Promise<Asked | undefined> {
  const turn = attempt.replay.model(purpose);
  if (turn === undefined) return undefined;
  attempt.count(turn.usage);
  await attempt.deps.budget.settled(callId(attempt, turn.index), turn.usage);
  const { limitedBy } = turn;
  return {
    kind: "answer",
    answer: { ...turn.answer, usage: turn.usage },
    index: turn.index,
    ...(limitedBy !== undefined && { limitedBy }),
  };
}

export function callId(attempt: Attempt, index: number): string {
  return `${attempt.task.taskId}/${index}`;
}

async function callOnce(
  attempt: Attempt,
  question: Question,
  tools: readonly ToolSpec[],
  index: number,
): Promise<Tried> {
  const { deps, task } = attempt;
  const reserved = await reserve(attempt, question, tools, index);
  if (reserved.kind === "refused") return { kind: "end", ending: { ...reserved, code: "budget.exceeded" } };
  const outcome = await deps.model.call(
    {
      idempotencyKey: callId(attempt, index),
      model: question.model,
      provider: question.provider,
      messages: question.messages,
      tools,
      maxTokens: reserved.maxTokens,
      ...(question.temperature !== undefined && { temperature: question.temperature }),
      responseFormat: question.responseFormat,
      timeoutMs: Math.max(1, Math.min(task.timeoutMs, attempt.deadlineAt - deps.clock.now(), LONGEST_CALL_MS)),
    },
    question.purpose === "answer" ? deps.onToken : () => {},
    attempt.running,
  );
  if (outcome.kind === "answer") return keep(attempt, question, reserved, index, outcome);
  await reserved.release();
  const halted = attempt.halted();
  if (halted !== undefined) return { kind: "end", ending: halted };
  if (outcome.kind === "retry") return { kind: "again", failure: outcome };
  return { kind: "end", ending: failure(outcome, false) };
}

type Refused = { readonly kind: "refused"; readonly message: string; readonly which: string };

async function reserve(
  attempt: Attempt,
  { bytes }: Question,
  tools: readonly ToolSpec[],
  index: number,
): Promise<Reserved | Refused> {
  const input = inputTokens(bytes, tools);
  let limitedBy: string | undefined;
  for (let maxTokens = attempt.task.agent.limits.maxTokensPerCall; ; maxTokens = Math.floor(maxTokens / 2)) {
    const tokens = input + maxTokens;
    const reservation = await attempt.deps.budget.reserve({ callId: callId(attempt, index), tokens });
    if (reservation.kind === "reserved") {
      return { ...reservation, maxTokens, ...(limitedBy !== undefined && { limitedBy }) };
    }
    limitedBy = reservation.which;
    if (maxTokens < 2 * LEAST_TOKENS) {
      return { kind: "refused", message: reservation.reason, which: reservation.which };
    }
  }
}

/** An answer is recorded and counted even when the task was told to stop meanwhile: it is paid for. */
async function keep(
  attempt: Attempt,
  question: Question,
  reserved: Reserved,
  index: number,
  { text, toolCalls, stop, usage }: ModelAnswer,
): Promise<Asked> {
  const limited = reserved.limitedBy === undefined ? {} : { limitedBy: reserved.limitedBy };
  const stored = await attempt.deps.turns.record({
    kind: "model",
    index,
    purpose: question.purpose,
    requestDigest: question.digest,
    answer: { text, toolCalls, stop },
    usage,
    ...limited,
    at: attempt.deps.clock.now(),
  });
  await reserved.settle(usage);
  attempt.count(usage);
  if (stored === "lost") return { kind: "end", ending: { kind: "lost" } };
  return { kind: "answer", answer: { text, toolCalls, stop, usage }, index, ...limited };
}

function failure(outcome: Exclude<ModelOutcome, { kind: "answer" }>, mayPass: boolean): Ending {
  const afterMs = outcome.kind === "retry" ? outcome.afterMs : undefined;
  return {
    kind: "failed",
    code: outcome.code,
    message: outcome.reason,
    mayPass,
    ...(afterMs !== undefined && { afterMs }),
  };
}
