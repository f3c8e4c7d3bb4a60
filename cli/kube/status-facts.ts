/**
 * What the status of an ArkRun tells, as facts: for whoever may read the object and not the record.
 *
 * Of each step it holds the newest execution alone, without turns and tool calls.
 */
import type { ArkRun, StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { factId, type AttemptKey, type Fact, type StepOutcome, type Usage } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";
import type { StoredFact } from "#core/ports/record.ts";

/** Reasons of a run that was refused before its first step. */
const REFUSALS: readonly string[] = ["InvalidInput", "InvalidDAG", "InvalidTemplate", "TeamNotFound", "AgentNotFound"];

export function factsOfStatus(run: ArkRun): readonly Fact[] {
  const created = timeOf(run.metadata.creationTimestamp, 0);
  const startedAt = timeOf(run.status?.startTime, created);
  const facts = (run.status?.steps ?? []).flatMap((step) => factsOfStep(step, startedAt));
  const end = endFact(verdictOf(run), timeOf(run.status?.completionTime, startedAt));
  const all = [requestedFact(run, startedAt), ...facts, ...(end === undefined ? [] : [end])];
  return all.toSorted((a, b) => a.at - b.at);
}

/** Gives each fact of a growing status once a number, so that a reader can come back where it was. */
export class StatusFacts {
  readonly #seqs = new Map<string, number>();

  /** Those from `fromSeq` on, in order. */
  read(run: ArkRun, fromSeq: number): readonly StoredFact[] {
    const { namespace = "", name = "", uid = "" } = run.metadata;
    const stored = factsOfStatus(run).map((fact) => {
      const id = factId(uid, fact);
      const seq = this.#seqs.get(id) ?? this.#seqs.size + 1;
      this.#seqs.set(id, seq);
      return { namespace, run: name, uid, seq, fact };
    });
    return stored.filter(({ seq }) => seq >= fromSeq).toSorted((a, b) => a.seq - b.seq);
  }
}

function requestedFact(run: ArkRun, at: number): Fact {
  const { namespace = "", name = "", uid = "", labels = {} } = run.metadata;
  const event = labels["arkonis.dev/event"];
  const origin = { namespace, run: name, uid, spec: run.spec, depth: 0, hop: 0 };
  return { kind: "run.requested", at, ...origin, ...(event === undefined ? {} : { event }) };
}

type Verdict = { readonly reason: string; readonly message: string };

/** How the run ended, where a fact of its own says so: not where a step failed, whose fact says it. */
function endFact(verdict: Verdict | undefined, at: number): Fact | undefined {
  if (verdict === undefined) return undefined;
  const { reason, message } = verdict;
  if (REFUSALS.includes(reason)) return { kind: "run.refused", at, reason, message };
  if (reason === "Cancelled") return { kind: "run.cancel", at, message };
  if (reason === "TimedOut") return { kind: "timer", at, timer: "run timeout" };
  return undefined;
}

function verdictOf({ status }: ArkRun): Verdict | undefined {
  const ended = status?.conditions?.find(({ type, status: is }) => type === "Succeeded" && is === "False");
  return ended && { reason: ended.reason, message: ended.message };
}

function factsOfStep(step: StepStatus, runStartedAt: number): readonly Fact[] {
  const key = keyOf(step);
  const startedAt = timeOf(step.startTime, runStartedAt);
  const begun = step.startTime !== undefined && (step.attempts ?? 0) > 0;
  const started: Fact = { kind: "step.started", at: startedAt, ...key, instance: "" };
  const outcome = outcomeOf(step);
  if (outcome === undefined) return begun ? [started] : [];
  const at = timeOf(step.completionTime, startedAt);
  return [started, { kind: "step.finished", at, ...key, outcome, usage: usageOf(step) }];
}

function outcomeOf(step: StepStatus): StepOutcome | undefined {
  if (step.phase === "Succeeded") return { kind: "done", output: textOf(step.output ?? "", step.outputRef) };
  if (step.phase !== "Failed") return undefined;
  const { errorCode: code = "step.failed", message = "" } = step;
  return { kind: "failed", code, message, mayPass: false };
}

function textOf(shown: string, ref: { readonly digest: string; readonly bytes: number } | undefined): Text {
  return ref === undefined ? { inline: shown } : { ref: { digest: ref.digest, bytes: ref.bytes, preview: shown } };
}

function usageOf({ tokenUsage }: StepStatus): Usage {
  return { inputTokens: tokenUsage?.inputTokens ?? 0, outputTokens: tokenUsage?.outputTokens ?? 0 };
}

/** The status counts from one, the record from zero. */
function keyOf({ name, iterations = 1, attempts = 1 }: StepStatus): AttemptKey {
  return { step: name, iteration: Math.max(0, iterations - 1), attempt: Math.max(0, attempts - 1) };
}

function timeOf(text: string | undefined, otherwise: number): number {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? otherwise : ms;
}
