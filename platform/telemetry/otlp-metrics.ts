/**
 * The metrics SDK and its OTLP/HTTP exporter (JSON): loaded by `metrics.ts` alone, and only where an endpoint is set.
 *
 * O1  Series are bounded (2,000 an instrument, the SDK's own limit): memory does not grow with a collector that is away.
 * O2  Stopping sends the last values, and gives up after `STOP_MS`.
 * O3  Each process is an instance of its own: several that add up the same series, and end, are not mistaken for one
 *     that was set back.
 */
import { randomUUID } from "node:crypto";
import type { Meter } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import type { Logger } from "#core/ports/log.ts";
import { resourceOf, signalUrl, told, within } from "./exporting.ts";

export type OtlpMetricsOptions = {
  readonly endpoint: string;
  readonly service: string;
  readonly everyMs: number;
  readonly delta: boolean;
  readonly log: Logger;
};

export type OtlpMetrics = { readonly meter: Meter; readonly stop: () => Promise<void> };

/** Tries of one export together; below `STOP_MS`, so that a stop can still say what was lost. */
const EXPORT_MS = 3_000;
const STOP_MS = 5_000;

export function openOtlpMetrics({ endpoint, service, everyMs, delta, log }: OtlpMetricsOptions): OtlpMetrics {
  const exporter: PushMetricExporter = new OTLPMetricExporter({
    url: signalUrl(endpoint, "metrics"),
    timeoutMillis: EXPORT_MS,
    temporalityPreference: delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  });
  exporter.export = told("metrics", log, exporter.export.bind(exporter));
  const provider = new MeterProvider({
    resource: resourceOf({
      "service.name": service,
      "service.namespace": "ark",
      "service.instance.id": randomUUID(),
    }),
    readers: [
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: everyMs,
        exportTimeoutMillis: Math.min(EXPORT_MS, everyMs),
      }),
    ],
  });
  return { meter: provider.getMeter("ark"), stop: () => within(STOP_MS, provider.shutdown()) };
}
