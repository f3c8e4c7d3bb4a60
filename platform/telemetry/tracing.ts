/**
 * Tracing through `@opentelemetry/api`. The SDK and its exporter are loaded only where an endpoint is set; without one
 * the API's own tracer answers, which records nothing unless somebody registered an SDK of theirs (`node --import`).
 *
 * T1  Every span has a well-formed line, so that every run has a trace id, traced or not.
 * T2  Nothing here fails the work that is traced: what cannot be exported is dropped and logged.
 */
import { randomBytes } from "node:crypto";
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { parseTraceparent, traceparentOf } from "#core/events/trace-context.ts";
import type { Logger } from "#core/ports/log.ts";
import type { PastSpan, Span, SpanAttributes, SpanOptions, Spans } from "#core/ports/spans.ts";
import { endpointOf, type Env, serviceOf } from "./exporting.ts";
import type { Otlp } from "./otlp.ts";

export type Tracing = AsyncDisposable & { readonly spans: Spans };

const SAMPLED = 1;
const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const;

/** `service`: the name of this process, unless `OTEL_SERVICE_NAME` says another. */
export async function openTracing(service: string, env: Env, log: Logger): Promise<Tracing> {
  const content = env["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"]?.toLowerCase() === "true";
  const endpoint = endpointOf(env, "traces");
  if (endpoint === "") return { spans: apiSpans(content), [Symbol.asyncDispose]: async () => {} };
  const { openOtlp } = await import("./otlp.ts");
  const otlp = openOtlp({ endpoint, service: serviceOf(env, service), log });
  return { spans: spansOf(otlp.tracer, content, otlp), [Symbol.asyncDispose]: () => otlp.stop() };
}

/** What whoever registered an SDK of theirs sees; else nothing is recorded. */
export function apiSpans(content = false): Spans {
  return spansOf(trace.getTracer("ark"), content, undefined);
}

function spansOf(tracer: Tracer, content: boolean, own: Otlp | undefined): Spans {
  return {
    content,
    keepsIds: own !== undefined,
    begin: (name, options) => spanOf(tracer.startSpan(name, startOf(options), parentOf(options.parent))),
    past(name, span) {
      const start = () =>
        tracer.startSpan(name, { ...startOf(span), startTime: span.startedAt }, parentOf(span.parent));
      finish(own === undefined ? start() : withIds(own, span, start), span.error, span.endedAt);
    },
  };
}

function withIds(own: Otlp, { self }: PastSpan, start: () => ApiSpan): ApiSpan {
  const ids = parseTraceparent(self);
  return ids === undefined ? start() : own.withIds(ids, start);
}

function startOf({ kind, attributes }: SpanOptions) {
  return { kind: KINDS[kind], attributes: asAttributes(attributes) };
}

function parentOf(traceparent: string | undefined): Context {
  const context = parseTraceparent(traceparent);
  if (context === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = context;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags & SAMPLED, isRemote: true });
}

function spanOf(span: ApiSpan): Span {
  const own = span.spanContext();
  const { traceId, spanId, traceFlags: flags } = own;
  return {
    traceparent: isSpanContextValid(own) ? traceparentOf({ traceId, spanId, flags }) : newTraceparent(),
    set: (attributes) => void span.setAttributes(asAttributes(attributes)),
    end: (error) => finish(span, error),
  };
}

/** T1. Sampled, so that a process further on that does trace is heard. */
function newTraceparent(): string {
  const hex = (bytes: number) => randomBytes(bytes).toString("hex");
  return traceparentOf({ traceId: hex(16), spanId: hex(8), flags: SAMPLED });
}

function finish(span: ApiSpan, error: string | undefined, at?: number): void {
  if (error !== undefined) span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR });
  span.end(at);
}

/** The API wants lists that it may change; ours are not. */
function asAttributes(attributes: SpanAttributes): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, typeof value === "object" ? [...value] : value]),
  );
}
