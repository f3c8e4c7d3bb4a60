/**
 * What the scripted model server is told to answer: in code (tests) or in `mock.yaml` (people), the same shapes.
 * `docs/mock.md` describes the YAML form.
 */
import * as z from "zod";

const UsageSchema = z.strictObject({
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
});

const ToolCallSchema = z.strictObject({
  name: z.string(),
  /** An object, or the very text to send (to test arguments that are no JSON). */
  arguments: z.union([z.record(z.string(), z.unknown()), z.string()]).default({}),
  id: z.string().optional(),
});

/** What an answer consists of: exactly one of these stands in it. */
const BODIES = ["text", "json", "toolCalls", "status", "cut", "half", "hang", "nonsense", "bytes", "refusal"] as const;

export const AnswerSchema = z
  .strictObject({
    text: z.string().optional(),
    json: z.unknown().optional(),
    toolCalls: z.array(ToolCallSchema).min(1).optional(),
    /** An HTTP error with this status. */
    status: z.int().min(400).max(599).optional(),
    retryAfterSeconds: z.number().min(0).optional(),
    message: z.string().optional(),
    /** The parameter the error names, as OpenAI does for one it does not take. */
    param: z.string().optional(),
    /** This much of the answer, then the connection breaks. */
    cut: z.string().optional(),
    /** The text, with every character of several bytes torn over two packets; `torn` ends inside the last one. */
    half: z.string().optional(),
    torn: z.boolean().optional(),
    /** Nothing ever comes. */
    hang: z.literal(true).optional(),
    /** 200, but not the protocol. */
    nonsense: z.string().optional(),
    /** An answer text of this many bytes. */
    bytes: z.int().min(1).optional(),
    refusal: z.string().optional(),
    finish: z.enum(["stop", "length", "tool_calls", "content_filter"]).optional(),
    usage: UsageSchema.optional(),
    delayMs: z.int().min(0).max(600_000).optional(),
  })
  .refine((answer) => BODIES.filter((key) => answer[key] !== undefined).length === 1, {
    error: `an answer holds exactly one of ${BODIES.join(", ")}`,
  });

export type Answer = z.input<typeof AnswerSchema> & {
  /** Held back until this resolves: how a test puts one event before another. */
  readonly until?: Promise<unknown>;
};

export const RuleSchema = z.strictObject({
  /** Part of the last user message. */
  match: z.string().optional(),
  model: z.string().optional(),
  /** Part of the system prompt. */
  system: z.string().optional(),
  /** In order; the last one is given again and again. */
  answers: z
    .array(z.union([z.string().transform((text): z.output<typeof AnswerSchema> => ({ text })), AnswerSchema]))
    .min(1),
});

export type Rule = {
  readonly match?: string | undefined;
  readonly model?: string | undefined;
  readonly system?: string | undefined;
  readonly answers: readonly Answer[];
};

export type ChatMessage = { readonly role: string; readonly content?: unknown; readonly [key: string]: unknown };

/** What a chat completion request carries, as far as the server reads it. */
export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly responseFormat: unknown;
};

/**
 * A list is consumed in order and refuses what comes after its end; rules fall back on the default answer; a function
 * sees the request, and `undefined` means the default answer.
 */
export type Script =
  | readonly Answer[]
  | { readonly rules: readonly Rule[] }
  | ((request: ChatRequest, index: number) => Answer | undefined | Promise<Answer | undefined>);

/** Text of a message: a string, or the text parts of a list. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}

export function lastUserText(request: ChatRequest): string {
  return textOf(request.messages.findLast((message) => message.role === "user")?.content);
}

export function systemText(request: ChatRequest): string {
  return request.messages
    .filter((message) => message.role === "system" || message.role === "developer")
    .map((message) => textOf(message.content))
    .join("\n");
}

export type Chooser = {
  readonly next: (request: ChatRequest, index: number) => Promise<Answer | "default" | "unexpected">;
  /** Answers of a list that nobody asked for. */
  readonly left: () => number;
};

export function chooser(script: Script | undefined): Chooser {
  if (script === undefined) return { next: async () => "default", left: () => 0 };
  if (typeof script === "function") {
    return { next: async (request, index) => (await script(request, index)) ?? "default", left: () => 0 };
  }
  return "rules" in script ? byRules(script.rules) : inOrder(script);
}

function inOrder(answers: readonly Answer[]): Chooser {
  let used = 0;
  return { next: async () => answers[used++] ?? "unexpected", left: () => Math.max(0, answers.length - used) };
}

function byRules(rules: readonly Rule[]): Chooser {
  const used = new Map<Rule, number>();
  return {
    next: async (request) => {
      const rule = rules.find((candidate) => applies(candidate, request));
      if (rule === undefined) return "default";
      const index = used.get(rule) ?? 0;
      used.set(rule, index + 1);
      return rule.answers[Math.min(index, rule.answers.length - 1)] ?? "default";
    },
    left: () => 0,
  };
}

function applies(rule: Rule, request: ChatRequest): boolean {
  if (rule.model !== undefined && rule.model !== request.model) return false;
  if (rule.match !== undefined && !lastUserText(request).includes(rule.match)) return false;
  return rule.system === undefined || systemText(request).includes(rule.system);
}
