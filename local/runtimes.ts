/** Agents ready to work: one model client for all, one toolbox for each agent as it is now. */
import type { ProviderChoice } from "#core/agent/ports.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { type JoinedToolbox, joinTools } from "#core/agent/toolbox.ts";
import type { OpenAiModel } from "#platform/openai/model.ts";
import type { AgentRuntime } from "../functions/executor/deps.ts";

export class Runtimes {
  readonly #providerFor: (agent: ResolvedAgent, model: string) => ProviderChoice;
  readonly #tools = new WeakMap<ResolvedAgent, JoinedToolbox>();
  #model: Promise<OpenAiModel> | undefined;

  constructor(providerFor: (agent: ResolvedAgent, model: string) => ProviderChoice) {
    this.#providerFor = providerFor;
  }

  async of(agent: ResolvedAgent): Promise<AgentRuntime> {
    const model = await (this.#model ??= loadModel());
    const tools = this.#tools.get(agent) ?? joinTools([], []);
    this.#tools.set(agent, tools);
    return { agent, model, tools, providerFor: (name) => this.#providerFor(agent, name) };
  }
}

async function loadModel(): Promise<OpenAiModel> {
  const { createOpenAiModel } = await import("#platform/openai/model.ts");
  const model = createOpenAiModel();
  await model.warm();
  return model;
}
