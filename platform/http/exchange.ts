/**
 * What a handler sees of HTTP: a request whose body is read on demand, and an answer as data. Handlers import these as
 * types only; express and sockets stay behind `app.ts`.
 */
export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** `slow`: not complete in time. `aborted`: the client went away. */
export type BodyOutcome =
  | { readonly kind: "read"; readonly bytes: Uint8Array }
  | { readonly kind: "too-large"; readonly maxBytes: number }
  | { readonly kind: "slow" }
  | { readonly kind: "aborted" };

export type HttpRequest = {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** Aborts when the client has gone, or the server's grace is over. */
  readonly signal: AbortSignal;
  /** Declared by Content-Length, known before a byte is read. */
  readonly declaredBytes: number;
  /** Reads once; never rejects. */
  body(): Promise<BodyOutcome>;
};

export type SseEvent = { readonly event: string; readonly id?: string; readonly data: unknown };

type Headers = Readonly<Record<string, string>>;
export type HttpReply =
  | { readonly kind: "json"; readonly status: number; readonly body: unknown; readonly headers?: Headers }
  | {
      readonly kind: "problem";
      readonly status: number;
      readonly code: string;
      readonly detail: string;
      readonly headers?: Headers;
      /** Members beside those of RFC 9457: field, runName, durationMs … */
      readonly extra?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "empty"; readonly status: number; readonly headers?: Headers }
  | { readonly kind: "sse"; readonly events: AsyncIterable<SseEvent>; readonly headers?: Headers }
  /** One JSON text a line, as a Kubernetes watch gives them. */
  | { readonly kind: "ndjson"; readonly lines: AsyncIterable<unknown>; readonly headers?: Headers };

export type HttpProblem = Extract<HttpReply, { kind: "problem" }>;

export type Route = {
  readonly method: HttpMethod;
  /** Express 5 path, e.g. `/triggers/:namespace/:name`. */
  readonly path: string;
  /** How metrics call it, where the path says a name that stands for others; default: the path. */
  readonly pattern?: string;
  readonly maxBodyBytes?: number;
  readonly handle: (request: HttpRequest) => Promise<HttpReply>;
};

/** A door's rate check; `refused` says when to come again. */
export type RateVerdict =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly retryAfterSeconds: number };
export type RateLimit = { readonly take: (key: string) => RateVerdict };
