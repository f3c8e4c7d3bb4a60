/**
 * Agents ready to work: one model client for all, one toolbox for each agent.
 *
 * B1  A toolbox lives as long as the agent is there and its tools stay as they are; then the next task gets a new one,
 *     and the old one is closed once the last task that has it has ended its calls.
 */
import type { ProviderChoice } from "#core/agent/ports.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { type JoinedToolbox, joinTools } from "#core/agent/toolbox.ts";
import { createWebhookTools } from "#platform/http/webhook-tool.ts";
import type { OpenAiModel } from "#platform/openai/model.ts";
import type { AgentRuntime } from "../functions/executor/deps.ts";
import { createReport, type ReportDeps } from "../functions/executor/server-report.ts";

export type ProviderFor = (agent: ResolvedAgent, model: string) => ProviderChoice;

type Kept = { readonly made: string; readonly tools: JoinedToolbox };

/** How long a task may still call tools of a box that was replaced. */
const CLOSE_AFTER_MS = 600_000;

export class Runtimes {
  readonly #providerFor: ProviderFor;
  readonly #reports: ReportDeps;
  readonly #closeAfterMs: number;
  readonly #kept = new Map<string, Kept>();
  readonly #closing = new Map<NodeJS.Timeout, JoinedToolbox>();
  #model: Promise<OpenAiModel> | undefined;

  constructor(providerFor: ProviderFor, reports: ReportDeps, closeAfterMs = CLOSE_AFTER_MS) {
    this.#providerFor = providerFor;
    this.#reports = reports;
    this.#closeAfterMs = closeAfterMs;
  }

  /** The agents there are now, by `<namespace>/<name>`. */
  use(agents: ReadonlyMap<string, unknown>): void {
    for (const [key, { tools }] of this.#kept) {
      if (agents.has(key)) continue;
      this.#kept.delete(key);
      this.#closeLater(tools);
    }
  }

  async of(agent: ResolvedAgent): Promise<AgentRuntime> {
    const model = await (this.#model ??= loadModel());
    const tools = await this.#toolsOf(agent);
    return { agent, model, tools, providerFor: (name) => this.#providerFor(agent, name) };
  }

  async close(): Promise<void> {
    for (const timer of this.#closing.keys()) clearTimeout(timer);
    const boxes = [...this.#closing.values(), ...[...this.#kept.values()].map(({ tools }) => tools)];
    this.#kept.clear();
    await Promise.all(boxes.map((tools) => tools.close()));
  }

  async #toolsOf(agent: ResolvedAgent): Promise<JoinedToolbox> {
    const key = `${agent.namespace}/${agent.name}`;
    const made = JSON.stringify([agent.uid, agent.mcpServers, agent.tools]);
    const before = this.#kept.get(key);
    if (before?.made === made) return before.tools;
    const tools = await makeTools(agent, this.#reports);
    const raced = this.#kept.get(key);
    if (raced?.made === made) return raced.tools;
    if (raced !== undefined) this.#closeLater(raced.tools);
    this.#kept.set(key, { made, tools });
    return tools;
  }

  /** B1. */
  #closeLater(tools: JoinedToolbox): void {
    const timer = setTimeout(() => {
      this.#closing.delete(timer);
      void tools.close();
    }, this.#closeAfterMs);
    this.#closing.set(timer, tools);
  }
}

async function makeTools(agent: ResolvedAgent, reports: ReportDeps): Promise<JoinedToolbox> {
  const singles = createWebhookTools(agent.tools);
  if (agent.mcpServers.length === 0) return joinTools([], singles);
  const { createMcpServers } = await import("#platform/mcp/mcp.ts");
  return joinTools(createMcpServers(agent.mcpServers), singles, createReport(agent, reports));
}

async function loadModel(): Promise<OpenAiModel> {
  const { createOpenAiModel } = await import("#platform/openai/model.ts");
  const model = createOpenAiModel();
  await model.warm();
  return model;
}
