/** The agent loop's task, its agent with everything resolved, and how a task can end. */
import type { Provider, ProviderErrorCode, RecordedTurn, Usage } from "./ports.ts";

export type AgentLimits = {
  /** Most output tokens of one model call. */
  readonly maxTokensPerCall: number;
  readonly maxConcurrentTasks: number;
  readonly timeoutMs: number;
  /** Further tries of one model or tool call, errors that may pass only. */
  readonly retries: number;
  /** Model calls of one task. */
  readonly maxTurns: number;
  readonly maxDailyTokens?: number;
};

export type ResolvedMcpServer = {
  readonly name: string;
  /** http, https; `stdio:` only in local mode. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: ClientTls;
  readonly instructions?: string;
  readonly timeoutMs: number;
};

/** PEM texts: what the client shows, and whom it trusts; without `ca` the public authorities. */
export type ClientTls = { readonly cert: string; readonly key: string; readonly ca?: string };

export type ResolvedWebhookTool = {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
};

export type OutputFormat = "structured-json" | "markdown" | "plain";

/** Prompt parts around the agent's own prompt, in order; `core/agent/prompt.ts` makes it of settings. */
export type Fragments = { readonly before: readonly string[]; readonly after: readonly string[] };

export type ResolvedAgent = {
  readonly namespace: string;
  readonly name: string;
  /** Of the ArkAgent: another one of the same name has another. */
  readonly uid?: string;
  readonly model: string;
  readonly provider: Provider;
  /** The text in effect; an unresolved reference never gets here (D49). */
  readonly systemPrompt: string;
  readonly temperature?: number;
  readonly outputFormat?: OutputFormat;
  readonly fragments: Fragments;
  readonly mcpServers: readonly ResolvedMcpServer[];
  readonly tools: readonly ResolvedWebhookTool[];
  readonly limits: AgentLimits;
  /** Values of Secrets that reach a server; nothing that comes back may show them (P7). */
  readonly secrets: readonly string[];
  readonly probe?: { readonly validatorPrompt: string; readonly intervalMs: number };
};

export type Validation = {
  readonly rejectPatterns?: readonly string[];
  readonly contains?: string;
  readonly schema?: unknown;
  readonly semantic?: { readonly criteria: string; readonly model?: string };
};

export type ContextPolicy =
  | { readonly strategy: "full" }
  | { readonly strategy: "none" }
  | { readonly strategy: "extract"; readonly path: string }
  | {
      readonly strategy: "compress";
      readonly model?: string;
      readonly targetTokens?: number;
      readonly prompt?: string;
    };

export type AgentTask = {
  /** Deterministic message id; call ids and idempotency keys derive from it. */
  readonly taskId: string;
  readonly agent: ResolvedAgent;
  /** The step's prompt, rendered, schema line included. */
  readonly prompt: string;
  readonly outputSchema?: unknown;
  readonly validate?: Validation;
  readonly contextPolicy?: ContextPolicy;
  /** Of an attempt that validation refused (E9). */
  readonly earlier?: { readonly answer: string; readonly reason: string };
  /** Turns of an executor that died: replayed, never asked again (P3). */
  readonly recorded: readonly RecordedTurn[];
  readonly timeoutMs: number;
};

export type OutputErrorCode = "output.schema" | "output.rejected" | "output.contains" | "output.semantic";

export type AgentErrorCode =
  | ProviderErrorCode
  | "provider.unknown_model"
  | "model.max_tokens"
  | "model.refusal"
  | "model.max_turns"
  | "output.bad_check"
  | "output.lost"
  | "task.timeout";

export type AgentOutcome =
  | {
      readonly kind: "done";
      readonly output: string;
      /** Parsed output, with a schema. */
      readonly json?: unknown;
      /** What dependents get where a context policy changed it. */
      readonly context?: string;
      /** The context policy found nothing and the original goes on: worth an Event. */
      readonly contextMissed?: string;
      readonly usage: Usage;
      readonly turns: number;
    }
  | {
      readonly kind: "invalid";
      readonly code: OutputErrorCode;
      readonly message: string;
      /** The whole answer, for the record and for the next attempt. */
      readonly answer: string;
      readonly retryable: boolean;
      readonly usage: Usage;
      readonly turns: number;
    }
  | {
      readonly kind: "failed";
      readonly code: AgentErrorCode;
      readonly message: string;
      /** What the model had said, where it said something: a cut answer, a refusal. */
      readonly answer?: string;
      readonly mayPass: boolean;
      readonly afterMs?: number;
      readonly usage: Usage;
      readonly turns: number;
    }
  /** A budget forbids the next call; nothing was used up by asking (E9b). */
  | {
      readonly kind: "refused";
      readonly code: "budget.exceeded";
      readonly message: string;
      readonly which: string;
      readonly usage: Usage;
      readonly turns: number;
    }
  /** The lease is gone: say nothing. */
  | { readonly kind: "lost" }
  /** The signal aborted: shutdown, cancel. The turns made are recorded. */
  | { readonly kind: "stopped" };
