/** The span of a request at a door, by OpenTelemetry's HTTP semantic conventions. */
import type { SpanAttributes, Spans } from "./spans.ts";

type Asked = {
  readonly method: string;
  /** As documents and metrics write it: `/triggers/{ns}/{name}`. */
  readonly route: string;
  /** The caller's line. */
  readonly parent: string | undefined;
  /** Beside those of HTTP. */
  readonly attributes: SpanAttributes;
};

/** Without a status: a stream. */
type Answered = { readonly kind: string; readonly status?: number };

/** `answer` gets the span's own line, for whatever the request causes. A status from 500 on is a failure. */
export async function underRequestSpan<A extends Answered>(
  spans: Pick<Spans, "begin">,
  { method, route, parent, attributes }: Asked,
  answer: (traceparent: string) => Promise<A>,
): Promise<A> {
  const span = spans.begin(`${method} ${route}`, {
    kind: "server",
    parent,
    attributes: { "http.request.method": method, "http.route": route, ...attributes },
  });
  try {
    const answered = await answer(span.traceparent);
    const { status = 200 } = answered;
    span.set({ "http.response.status_code": status });
    span.end(status >= 500 ? String(status) : undefined);
    return answered;
  } catch (error) {
    span.end("500");
    throw error;
  }
}
