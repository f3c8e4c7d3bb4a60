/**
 * A trace as its store has it: what `GET /api/traces/{id}` of Jaeger and of Grafana Tempo answer, as a tree of spans. A
 * span whose parent is not there stands at the top.
 */
import * as z from "zod";
import { innermostReason } from "#core/causes.ts";
import { ArkError } from "#core/errors.ts";
import { answerText } from "./answer-text.ts";
import type { Span } from "./render/spans.ts";

const TIMEOUT_MS = 30_000;

const JaegerSpan = z.object({
  spanID: z.string(),
  operationName: z.string(),
  /** Microseconds. */
  startTime: z.number(),
  duration: z.number(),
  references: z.array(z.object({ spanID: z.string() })).default([]),
});
const OtlpSpan = z.object({
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.coerce.number(),
  endTimeUnixNano: z.coerce.number(),
});
const OtlpSpans = z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(OtlpSpan) })) }));
const Answer = z.object({
  data: z.array(z.object({ spans: z.array(JaegerSpan) })).optional(),
  batches: OtlpSpans.optional(),
  trace: z.object({ resourceSpans: OtlpSpans }).optional(),
});

type Flat = Omit<Span, "children" | "note"> & { readonly id: string; readonly parent: string | undefined };

/** Throws ArkError. */
export async function storedTrace(endpoint: string, traceId: string, signal: AbortSignal): Promise<readonly Span[]> {
  const url = `${endpoint.replace(/\/+$/, "")}/api/traces/${traceId}`;
  const parsed = Answer.safeParse(await ask(url, signal));
  if (!parsed.success) throw refused(url, "its answer is neither Jaeger's nor Tempo's");
  const spans = flat(parsed.data);
  if (spans.length > 0) return treeOf(spans);
  throw new ArkError(
    "object.not_found",
    `${endpoint} has no trace ${traceId}`,
    "Spans are sent some seconds after their end, and only where OTEL_EXPORTER_OTLP_ENDPOINT is set: see docs/operations.md.",
  );
}

async function ask(url: string, signal: AbortSignal): Promise<unknown> {
  const headers = { accept: "application/json" };
  try {
    const answer = await fetch(url, {
      headers,
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await answerText(answer.body);
    if (answer.status === 404) return {};
    if (!answer.ok) throw refused(url, `it answered ${answer.status}`);
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ArkError) throw error;
    const why = error instanceof SyntaxError ? "its answer is not JSON" : innermostReason(error);
    throw new ArkError("server.unreachable", `${url}: ${why}`, HINT, { cause: error });
  }
}

const HINT = "Give --endpoint the address of the query API of Jaeger or Tempo, such as http://localhost:16686.";

function refused(url: string, why: string): ArkError {
  return new ArkError("server.refused", `${url}: ${why}`, HINT);
}

function flat({ data = [], batches = [], trace }: z.output<typeof Answer>): readonly Flat[] {
  const jaeger = data
    .flatMap(({ spans }) => spans)
    .map((span): Flat => {
      const startedAt = span.startTime / 1_000;
      const [parent] = span.references;
      const endedAt = startedAt + span.duration / 1_000;
      return { id: span.spanID, parent: parent?.spanID, name: span.operationName, startedAt, endedAt };
    });
  const otlp = [...batches, ...(trace?.resourceSpans ?? [])]
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ spanId: id, parentSpanId: parent, name, startTimeUnixNano, endTimeUnixNano }): Flat => {
      return { id, parent, name, startedAt: startTimeUnixNano / 1e6, endedAt: endTimeUnixNano / 1e6 };
    });
  return [...jaeger, ...otlp];
}

/** In order of their start. A span that was sent twice is one: its id follows from what it is of. */
function treeOf(all: readonly Flat[]): readonly Span[] {
  const spans = [...new Map(all.map((one) => [one.id, one])).values()].toSorted((a, b) => a.startedAt - b.startedAt);
  const ids = new Set(spans.map(({ id }) => id));
  const below = new Map<string | undefined, Flat[]>();
  for (const span of spans) {
    const { id, parent } = span;
    const at = parent !== undefined && parent !== id && ids.has(parent) ? parent : undefined;
    const siblings = below.get(at);
    if (siblings === undefined) below.set(at, [span]);
    else siblings.push(span);
  }
  const childrenOf = (parent: string | undefined): readonly Span[] =>
    (below.get(parent) ?? []).map(({ id, name, startedAt, endedAt }) => {
      return { name, startedAt, ...(endedAt !== undefined && { endedAt }), note: "", children: childrenOf(id) };
    });
  return childrenOf(undefined);
}
