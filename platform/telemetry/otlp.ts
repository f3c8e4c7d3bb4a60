/**
 * The SDK and its OTLP/HTTP exporter (JSON): loaded by `tracing.ts` alone, and only where an endpoint is set.
 *
 * O1  Spans wait in a bounded queue; one that does not fit is dropped. Memory does not grow with a collector that is away.
 * O2  Stopping sends what waits, and gives up after `STOP_MS`.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type SpanExporter,
  TracerProvider,
  type TracerProviderOptions,
} from "@opentelemetry/sdk-trace";
import { ArkError } from "#core/errors.ts";
import type { Logger } from "#core/ports/log.ts";

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
  const exporter = new OTLPTraceExporter({ url: tracesUrl(endpoint), timeoutMillis: EXPORT_MS });
  const provider = new TracerProvider({
    resource: resourceOf({ "service.name": service, "service.namespace": "ark" }),
    idGenerator: ids,
    spanLimits: { attributeValueLengthLimit: MAX_CHARS },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: told(exporter, log),
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
    async stop() {
      const over = new AbortController();
      const late = delay(STOP_MS, undefined, { signal: over.signal }).catch(() => {});
      // What failed was logged where it failed.
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      over.abort();
    },
  };
}

function tracesUrl(endpoint: string): string {
  if (URL.canParse(endpoint) && /^https?:/.test(endpoint)) return `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  throw new ArkError(
    "usage",
    "OTEL_EXPORTER_OTLP_ENDPOINT is no address",
    "Give the address of an OTLP/HTTP collector, such as http://collector:4318.",
  );
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

/** One line when spans begin to be lost, one when they arrive again. */
function told(exporter: SpanExporter, log: Logger): SpanExporter {
  let failing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !failing) log.warn({ err: result.error }, "spans could not be exported");
        if (!failed && failing) log.info({}, "spans are exported again");
        failing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

type Resource = NonNullable<TracerProviderOptions["resource"]>;

/** Nothing is looked up about the machine: names of hosts and users stay here. */
function resourceOf(attributes: Readonly<Record<string, string>>): Resource {
  const resource: Resource = {
    attributes: { ...attributes },
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}
