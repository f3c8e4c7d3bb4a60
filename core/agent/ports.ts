/**
 * What the agent loop needs of the world, as narrow as the need. Adapters live in `platform/`;
 * a handler joins them. Nothing here rejects for an expected failure: outcomes are values.
 */

/** Tokens of one call, as the provider counted them. */
export type Usage = { readonly inputTokens: number; readonly outputTokens: number };

/** A tool the model may call. `inputSchema` is a JSON Schema object. */
export type ToolSpec = {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
};

/** What the model asked for; `arguments` is its JSON text, unchecked. */
export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

export type Message =
  | { readonly role: "system" | "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: "tool"; readonly callId: string; readonly text: string };

/** Where a model is reached. The key goes into the request header and nowhere else (P7). */
export type Provider = { readonly baseUrl: string; readonly apiKey?: string };

/** `schema` is asked for as structured output where the provider can. */
export type ResponseFormat =
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: unknown };

export type ModelRequest = {
  /** `<task id>/<turn>`: the same for every try of this call. */
  readonly idempotencyKey: string;
  readonly model: string;
  readonly provider: Provider;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  readonly maxTokens: number;
  readonly temperature?: number;
  readonly responseFormat: ResponseFormat;
  readonly timeoutMs: number;
};

/** `length`: cut at `maxTokens`. `refusal`: the model or the provider's filter declined. */
export type StopReason = "stop" | "tools" | "length" | "refusal";

export type ModelAnswer = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly usage: Usage;
  readonly stop: StopReason;
  /** Which model answered, by the provider's own words: often a version of the one that was asked for. */
  readonly model?: string;
};

/** Stable codes; `errorCode` of a step shows them. */
export type ProviderErrorCode =
  | "provider.rate_limited"
  | "provider.unavailable"
  | "provider.timeout"
  | "provider.bad_response"
  | "provider.too_large"
  | "provider.auth"
  | "provider.refused";

export type ModelOutcome =
  | ({ readonly kind: "answer" } & ModelAnswer)
  /** May pass: 408, 409, 429, 5xx, connection, cut stream, nonsense. */
  | {
      readonly kind: "retry";
      readonly code: ProviderErrorCode;
      readonly reason: string;
      readonly afterMs?: number;
    }
  /** Never passes: the provider's own words in `reason`. */
  | { readonly kind: "failed"; readonly code: ProviderErrorCode; readonly reason: string };

/** A piece of the answer as it arrives; watchers see it, the record never does (E11). */
export type OnToken = (text: string) => void;

export type Model = {
  /** Never rejects. After an abort any outcome may come back: the caller looks at the signal. */
  readonly call: (request: ModelRequest, onToken: OnToken, signal: AbortSignal) => Promise<ModelOutcome>;
};

export type ToolErrorCode = "tool.failed" | "tool.timeout" | "tool.unreachable" | "tool.too_large" | "tool.unknown";

/** `text` is what the model reads, in both cases (D27). */
export type ToolOutcome =
  | { readonly kind: "result"; readonly text: string }
  | {
      readonly kind: "error";
      readonly code: ToolErrorCode;
      readonly text: string;
      /** Nothing was done by the tool, or it keeps the idempotency key: trying again is safe. */
      readonly mayPass: boolean;
      readonly afterMs?: number;
    };

export type Toolbox = {
  /** The tools that can be called now, ordered by name. Never rejects: an unreachable server only lacks. */
  readonly list: (signal: AbortSignal) => Promise<readonly ToolSpec[]>;
  readonly call: (
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: { readonly idempotencyKey: string },
    signal: AbortSignal,
  ) => Promise<ToolOutcome>;
};

/** What the loop asks a model for: the answer itself, or one of the counted side questions. */
export type TurnPurpose = "answer" | "validate" | "compress";

export type ToolResult = { readonly callId: string; readonly text: string; readonly isError: boolean };

/**
 * One durable turn: JSON, and only what it added to the conversation, so that the bytes of a
 * task grow linearly. `index` counts from 0 over all turns of a task; with the task id it is the
 * turn's message id. `requestDigest` chains over the conversation before it.
 */
export type RecordedTurn =
  | {
      readonly kind: "model";
      readonly index: number;
      readonly purpose: TurnPurpose;
      readonly requestDigest: string;
      readonly answer: {
        readonly text: string;
        readonly toolCalls: readonly ToolCall[];
        readonly stop: StopReason;
      };
      readonly usage: Usage;
      /** The budget that left it less than the agent's own limit: a cut answer is that budget's doing. */
      readonly limitedBy?: string;
      /** Milliseconds since the epoch. */
      readonly at: number;
    }
  | {
      readonly kind: "tools";
      readonly index: number;
      readonly requestDigest: string;
      readonly results: readonly ToolResult[];
      readonly at: number;
    };

export type TurnLog = {
  /** Durable and deterministic by (task, index). `lost`: the lease is gone, say nothing more (L3, P2). */
  readonly record: (turn: RecordedTurn) => Promise<"stored" | "lost">;
};

export type Reservation =
  | {
      readonly kind: "reserved";
      /** The call was answered: count what it cost, give back the rest. */
      readonly settle: (usage: Usage) => Promise<void>;
      /** The call was not made, or gave no answer: give all back. */
      readonly release: () => Promise<void>;
    }
  | {
      readonly kind: "refused";
      readonly reason: string;
      /** Which limit: the run's, the agent's over 24 h, a team's. */
      readonly which: string;
    };

export type Budget = {
  /** Before each call (P6). `callId` is the call's idempotency key: one record per id (E16). */
  readonly reserve: (call: { readonly callId: string; readonly tokens: number }) => Promise<Reservation>;
  /** Says again what a replayed call cost, because a crash may stand between record and settle. Idempotent by id. */
  readonly settled: (callId: string, usage: Usage) => Promise<void>;
};

export type Clock = { readonly now: () => number };

/** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** 0 ≤ x < 1. */
export type Random = () => number;

export type ProviderChoice =
  | { readonly kind: "provider"; readonly provider: Provider }
  | {
      readonly kind: "unknown";
      readonly reason: string;
      /** Condition reason; absent means UnknownModel. */
      readonly code?: "UnknownModel" | "MissingCredentials";
    };

export type AgentDeps = {
  readonly model: Model;
  readonly tools: Toolbox;
  readonly turns: TurnLog;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly onToken: OnToken;
  /** For side questions to another model than the agent's own. */
  readonly providerFor: (model: string) => ProviderChoice;
};
