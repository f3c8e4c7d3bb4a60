/**
 * Tracing as handlers see it. A span's place in its trace is a `traceparent` line, which travels wherever the work
 * goes: there is no context that is held by the process. No span ever holds a secret (P7).
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type SpanOptions = {
  readonly kind: "internal" | "server" | "client" | "consumer";
  /** The line that came with the work; absent or malformed: a trace begins here. */
  readonly parent: string | undefined;
  readonly attributes: SpanAttributes;
};

export type Span = {
  /** For whatever this span causes; well formed also while nothing is traced. */
  readonly traceparent: string;
  readonly set: (attributes: SpanAttributes) => void;
  /** Once. `error` is a short, stable code (`error.type`), never a message. */
  readonly end: (error?: string) => void;
};

export type PastSpan = SpanOptions & {
  /** Its own line: the same span twice has the same identity. */
  readonly self: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly error: string | undefined;
};

export type Spans = {
  /** Whether prompts and answers may stand in spans. */
  readonly content: boolean;
  /** Whether `past` keeps `self`: only then may spans hang under one that is not there yet. */
  readonly keepsIds: boolean;
  readonly begin: (name: string, options: SpanOptions) => Span;
  /** A span whose work is over. */
  readonly past: (name: string, span: PastSpan) => void;
};
