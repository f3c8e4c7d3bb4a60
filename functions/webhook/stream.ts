/**
 * A run as server-sent events (api 13, `?mode=sse`).
 *
 * T1  Ids are sequences of the record: a client that comes back with Last-Event-ID gets every later event once (E11).
 * T2  The end is the last event, after all that the record holds; its id says so, and a client that comes back with it
 *     has seen everything.
 * T3  Tokens have no id: they are not stored, and the step's completion carries the whole output.
 */
import type { Fact, StepFinished } from "#core/events/facts.ts";
import { endOfRun } from "#core/ports/follow-run.ts";
import type { RunName, StoredFact } from "#core/ports/record.ts";
import { runAnswer, totals, type RunAnswer } from "#core/runs/run-answer.ts";
import type { SseEvent } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";
import { merge } from "./merge.ts";
import { textView } from "./run-view.ts";
import { isTriedAgain } from "./tried-again.ts";

type Deps = Pick<WebhookDeps, "facts" | "tokens" | "states" | "outputs" | "sleep">;
type Item =
  | { readonly kind: "fact"; readonly stored: StoredFact }
  | { readonly kind: "token"; readonly step: string; readonly text: string }
  | { readonly kind: "end"; readonly answer: RunAnswer };

const END = "-end";

/** `after`: the sequence of the last event that the client has; `seen-all` when that was the end. */
export function parseLastEventId(header: string | undefined): { after: number } | "seen-all" {
  if (header === undefined) return { after: 0 };
  if (header.endsWith(END)) return "seen-all";
  const after = Number(header);
  return { after: Number.isSafeInteger(after) && after > 0 ? after : 0 };
}

/** Until the run ends or `signal`. */
export async function* runStream(
  run: RunName,
  after: number,
  deps: Deps,
  signal: AbortSignal,
): AsyncGenerator<SseEvent> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  let last = after;
  try {
    const sources = [facts(run, after + 1, deps, both), tokens(run, deps, both), end(run, deps, both)];
    for await (const item of merge<Item>(sources)) {
      if (item.kind === "token") yield { event: "token", data: { run: run.run, step: item.step, text: item.text } };
      else if (item.kind === "fact") {
        if (item.stored.seq <= last) continue;
        last = item.stored.seq;
        yield* factEvent(run, item.stored, deps);
      } else {
        own.abort();
        for await (const stored of deps.facts.history(run)) {
          if (stored.seq <= last) continue;
          last = stored.seq;
          yield* factEvent(run, stored, deps);
        }
        yield endEvent(item.answer, `${last}${END}`);
        return;
      }
    }
  } finally {
    own.abort();
  }
}

async function* facts(run: RunName, fromSeq: number, deps: Deps, signal: AbortSignal): AsyncGenerator<Item> {
  for await (const stored of deps.facts.watch(run, { fromSeq, signal })) yield { kind: "fact", stored };
}

async function* tokens(run: RunName, deps: Deps, signal: AbortSignal): AsyncGenerator<Item> {
  for await (const token of deps.tokens.watch(run, signal)) yield { kind: "token", ...token };
}

async function* end(run: RunName, deps: Deps, signal: AbortSignal): AsyncGenerator<Item> {
  const state = await endOfRun(run, deps, signal);
  const answer = state === undefined ? undefined : await runAnswer(state, deps.outputs);
  if (answer !== undefined) yield { kind: "end", answer };
}

function endEvent(answer: RunAnswer, id: string): SseEvent {
  return { event: answer.status === "succeeded" ? "run.completed" : "run.failed", id, data: answer };
}

async function* factEvent(run: RunName, { seq, fact }: StoredFact, deps: Deps): AsyncGenerator<SseEvent> {
  const event = fact.kind === "step.finished" ? await finishedEvent(run, { seq, fact }, deps) : eventOf(run.run, fact);
  if (event === undefined) return;
  yield { event: event.event, id: String(seq), data: { ...event.data, at: new Date(fact.at).toISOString() } };
}

type Told = { readonly event: string; readonly data: Readonly<Record<string, unknown>> };

function eventOf(run: string, fact: Exclude<Fact, StepFinished>): Told | undefined {
  switch (fact.kind) {
    case "run.requested":
      return { event: "run.started", data: { run, startTime: new Date(fact.at).toISOString() } };
    case "step.started":
      return { event: "step.started", data: { run, ...attemptOf(fact) } };
    case "run.refused":
    case "run.cancel":
    case "step.turn":
    case "timer":
      return undefined;
  }
}

type Finished = { readonly seq: number; readonly fact: StepFinished };

/** A step that failed and is tried again is not at its end: it waits. */
async function finishedEvent(run: RunName, { seq, fact }: Finished, deps: Deps): Promise<Told> {
  const { outcome } = fact;
  const usage = fact.usage ?? { inputTokens: 0, outputTokens: 0 };
  const common = { run: run.run, ...attemptOf(fact), tokenUsage: totals(usage.inputTokens, usage.outputTokens) };
  if (outcome.kind === "done") {
    return { event: "step.completed", data: { ...common, status: "succeeded", ...textView(outcome.output) } };
  }
  const error = { code: outcome.code, message: outcome.message };
  return (await isTriedAgain(run, { seq, fact }, deps.facts))
    ? { event: "step.waiting", data: { ...common, error } }
    : { event: "step.completed", data: { ...common, status: "failed", error } };
}

function attemptOf({ step, iteration, attempt }: { step: string; iteration: number; attempt: number }) {
  return { step, iteration, attempt };
}
