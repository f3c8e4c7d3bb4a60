/** Answers that wait for runs: sync and SSE. When the time is over the run goes on, and the answer names it (D37). */
import { endOfRun } from "#core/ports/follow-run.ts";
import { runAnswer, type RunAnswer } from "#core/runs/run-answer.ts";
import type { HttpReply, HttpRequest, SseEvent } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";
import { merge } from "./merge.ts";
import { timedOut } from "./problems.ts";
import { runStream } from "./stream.ts";

export type Waited = {
  readonly namespace: string;
  readonly runs: readonly string[];
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
};

export async function answerSync(waited: Waited, request: HttpRequest, deps: WebhookDeps): Promise<HttpReply> {
  const { namespace, runs, headers } = waited;
  const since = deps.now();
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(waited.timeoutMs)]);
  const answers = await Promise.all(
    runs.map(async (run) => {
      const state = await endOfRun({ namespace, run }, deps, signal);
      return state === undefined ? undefined : runAnswer(state, deps.outputs);
    }),
  );
  const ended = answers.filter((answer): answer is RunAnswer => answer !== undefined);
  const durationMs = deps.now() - since;
  if (ended.length < answers.length) return timedOut(namespace, runs, durationMs);
  const [only] = ended;
  if (ended.length === 1) return { kind: "json", status: 200, headers, body: only };
  const status = ended.every((answer) => answer.status === "succeeded") ? "succeeded" : "failed";
  return { kind: "json", status: 200, headers, body: { status, durationMs, runs: ended } };
}

export async function answerSse(waited: Waited, request: HttpRequest, deps: WebhookDeps): Promise<HttpReply> {
  return { kind: "sse", headers: waited.headers, events: limited(waited, request.signal, deps) };
}

async function* limited(waited: Waited, signal: AbortSignal, deps: WebhookDeps): AsyncGenerator<SseEvent> {
  const { namespace, runs, timeoutMs } = waited;
  const timeout = AbortSignal.timeout(timeoutMs);
  const own = new AbortController();
  const until = AbortSignal.any([signal, timeout, own.signal]);
  const open = new Set(runs);
  const streams = runs.map((run) => closing(runStream({ namespace, run }, 0, deps, until), () => open.delete(run)));
  try {
    yield* merge(streams);
    const [runName] = open;
    if (runName !== undefined && timeout.aborted) {
      const data = { code: "timeout", message: "The run goes on.", runName, location: waited.headers["location"] };
      yield { event: "error", data };
    }
  } finally {
    own.abort();
  }
}

async function* closing(events: AsyncIterable<SseEvent>, ended: () => void): AsyncGenerator<SseEvent> {
  for await (const event of events) {
    if (event.event === "run.completed" || event.event === "run.failed") ended();
    yield event;
  }
}
