/**
 * The SDK and its OTLP/HTTP exporter (JSON): loaded by `tracing.ts` alone, and only where an endpoint is set.
 *
 * O1  Spans wait in a bounded queue; one that does not fit is dropped. Memory does not grow with a collector that is away.
 * O2  Stopping sends what waits, and gives up after `STOP_MS`.
 */
import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "#core/ports/log.ts";
import { resourceOf, signalUrl, told, within } from "./exporting.ts";

export type OtlpOptions = { readonly endpoint: string; readonly service: string; readonly log: Logger };

type SpanIds = { readonly traceId: string; readonly spanId: string };

export type Otlp = {
  readonly tracer: Tracer;
  /** The span that `start` makes has these ids; the trace's only where it has no parent. */
  readonly withIds: <T>(ids: SpanIds, start: () => T) => T;
  readonly stop: () => Promise<void>;
};

const QUEUE = 2_048;
const BATCH = 512;
const EVERY_MS = 2_000;
/** Tries of one batch together; below `STOP_MS`, so that a stop can still say what was lost. */
const EXPORT_MS = 3_000;
const STOP_MS = 5_000;
/** Per attribute: a prompt that is captured by consent. */
const MAX_CHARS = 65_536;

export function openOtlp({ endpoint, service, log }: OtlpOptions): Otlp {
  const ids = new Ids();
  const exporter: SpanExporter = new OTLPTraceExporter({
    url: signalUrl(endpoint, "traces"),
    timeoutMillis: EXPORT_MS,
  });
  exporter.export = told("spans", log, exporter.export.bind(exporter));
  const provider = new TracerProvider({
    resource: resourceOf({ "service.name": service, "service.namespace": "ark" }),
    idGenerator: ids,
    spanLimits: { attributeValueLengthLimit: MAX_CHARS },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: QUEUE,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: EVERY_MS,
        exportTimeoutMillis: EXPORT_MS,
      }),
    ],
  });
  return {
    tracer: provider.getTracer("ark"),
    withIds: (chosen, start) => ids.choose(chosen, start),
    stop: () => within(STOP_MS, provider.shutdown()),
  };
}

/** A random id, unless one was chosen. Starting a span is synchronous: no other span comes between. */
class Ids implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #chosen: SpanIds | undefined;

  choose<T>(ids: SpanIds, start: () => T): T {
    this.#chosen = ids;
    try {
      return start();
    } finally {
      this.#chosen = undefined;
    }
  }

  generateTraceId(): string {
    return this.#chosen?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#chosen?.spanId ?? this.#random.generateSpanId();
  }
}
