/**
 * The events of a run, as the front door streams them, as facts (api 13). They tell attempts, outcomes and words while
 * they are written; turns and tool calls stay in the record.
 *
 * B1  The number of a fact is that of the record, so that a reader comes back by it and gets every later one once.
 */
import * as z from "zod";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Fact, StepOutcome, Usage } from "#core/events/facts.ts";
import type { FactLine } from "../cluster.ts";
import type { ServerSentEvent } from "../sse.ts";
import { endFact, requestedFact, textOf } from "./status-facts.ts";

const At = z.iso.datetime().optional();
const Failure = z.object({ code: z.string(), message: z.string() });
const Attempt = z.object({ step: z.string(), iteration: z.int(), attempt: z.int(), at: At });
const Token = z.object({ step: z.string(), text: z.string() });
const Finished = Attempt.extend({
  output: z.string().optional(),
  outputRef: z.object({ digest: z.string(), bytes: z.int() }).optional(),
  error: Failure.optional(),
  tokenUsage: z.object({ inputTokens: z.int(), outputTokens: z.int() }).optional(),
});
const Ended = z.object({ error: Failure.optional() });

export const LAST = /^(run\.completed|run\.failed|error)$/;

/** One reader of one stream: times of events that carry none are those of the event before. */
export class RunEvents {
  readonly #run: ArkRun;
  #at: number;

  constructor(run: ArkRun) {
    this.#run = run;
    this.#at = Date.parse(run.metadata.creationTimestamp ?? "") || 0;
  }

  /** Undefined for what tells nothing new. Throws on data that is not what api 13 says. */
  read({ event, id, data }: ServerSentEvent): FactLine | undefined {
    const value: unknown = JSON.parse(data);
    if (event === "token") {
      const { step, text } = Token.parse(value);
      return { tokens: { step, text } };
    }
    const fact = this.#factOf(event, value);
    const seq = Number.parseInt(id ?? "", 10);
    if (fact === undefined || Number.isNaN(seq)) return undefined;
    const { namespace = "", name = "", uid = "" } = this.#run.metadata;
    return { namespace, run: name, uid, seq, fact };
  }

  #factOf(event: string, value: unknown): Fact | undefined {
    switch (event) {
      case "run.started":
        return requestedFact(this.#run, this.#time(z.object({ at: At }).parse(value)));
      case "step.started": {
        const { step, iteration, attempt, at } = Attempt.parse(value);
        return { kind: "step.started", at: this.#time({ at }), step, iteration, attempt, instance: "" };
      }
      case "step.completed":
      case "step.waiting": {
        const finished = Finished.parse(value);
        const { step, iteration, attempt } = finished;
        const outcome = outcomeOf(finished, event === "step.waiting");
        const at = this.#time(finished);
        return { kind: "step.finished", at, step, iteration, attempt, outcome, usage: usageOf(finished) };
      }
      case "run.failed": {
        const { error } = Ended.parse(value);
        return endFact(error && { reason: error.code, message: error.message }, this.#at);
      }
      default:
        return undefined;
    }
  }

  #time({ at }: { readonly at?: string | undefined }): number {
    if (at !== undefined) this.#at = Date.parse(at);
    return this.#at;
  }
}

function outcomeOf({ output = "", outputRef, error }: z.output<typeof Finished>, mayPass: boolean): StepOutcome {
  if (error !== undefined) return { kind: "failed", ...error, mayPass };
  return { kind: "done", output: textOf(output, outputRef) };
}

function usageOf({ tokenUsage }: z.output<typeof Finished>): Usage {
  return { inputTokens: tokenUsage?.inputTokens ?? 0, outputTokens: tokenUsage?.outputTokens ?? 0 };
}
