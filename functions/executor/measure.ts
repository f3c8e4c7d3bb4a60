/**
 * What one attempt counts: each model and tool call it makes, each that a budget forbade.
 *
 * G1  A call counts when it is made: turns that are replayed count nothing (P3). A call whose answer was lost with its
 *     process counts twice, because it was made twice.
 * G2  Names that a model made up are no attribute: they have no end.
 */
import type { Model, ModelOutcome, ModelRequest, Toolbox } from "#core/agent/ports.ts";
import { providerName } from "#core/agent/provider.ts";
import type { AgentOutcome, ResolvedAgent } from "#core/agent/task.ts";
import type { Meters } from "#core/ports/meters.ts";

export type MeasureDeps = { readonly meters: Meters; readonly now: () => number };

const OTHER = "_OTHER";

export function measuredModel(model: Model, { meters, now }: MeasureDeps): Model {
  return {
    async call(request, onToken, signal) {
      const startedAt = now();
      const outcome = await model.call(request, onToken, signal);
      const attributes = attributesOf(request, outcome);
      meters.record("gen_ai.client.operation.duration", seconds(now() - startedAt), {
        ...attributes,
        "error.type": outcome.kind === "answer" ? undefined : outcome.code,
      });
      if (outcome.kind !== "answer") return outcome;
      const { inputTokens, outputTokens } = outcome.usage;
      meters.record("gen_ai.client.token.usage", inputTokens, { ...attributes, "gen_ai.token.type": "input" });
      meters.record("gen_ai.client.token.usage", outputTokens, { ...attributes, "gen_ai.token.type": "output" });
      return outcome;
    },
  };
}

function attributesOf({ model }: ModelRequest, outcome: ModelOutcome) {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": providerName(model),
    "gen_ai.request.model": model,
    "gen_ai.response.model": outcome.kind === "answer" ? outcome.model : undefined,
  };
}

export function measuredTools(tools: Toolbox, { meters, now }: MeasureDeps): Toolbox {
  return {
    list: (signal) => tools.list(signal),
    async call(name, args, options, signal) {
      const startedAt = now();
      const outcome = await tools.call(name, args, options, signal);
      const error = outcome.kind === "error" ? outcome.code : undefined;
      meters.record("ark.tool.duration", seconds(now() - startedAt), {
        "gen_ai.tool.name": error === "tool.unknown" ? OTHER : name,
        "error.type": error,
      });
      return outcome;
    },
  };
}

/** A reservation that is refused is asked for again with less; a call is denied when the least was too much. */
export function countDenied(ended: AgentOutcome, agent: ResolvedAgent, deps: Pick<MeasureDeps, "meters">): void {
  if ("code" in ended && ended.code === "budget.exceeded") countDenial(agent, deps);
}

export function countDenial({ namespace, name }: ResolvedAgent, { meters }: Pick<MeasureDeps, "meters">): void {
  meters.add("ark.budget.denied", 1, { "ark.namespace": namespace, "ark.agent": name });
}

/** A clock that was set back measures nothing. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1_000;
}
