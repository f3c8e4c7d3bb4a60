/**
 * Metrics through `@opentelemetry/api`. The SDK and its exporter are loaded only where an endpoint is set; without one
 * the API's own meter answers, which counts nothing unless somebody registered an SDK of theirs (`node --import`).
 */
import { type Attributes, type Histogram, type Counter, type Meter, metrics } from "@opentelemetry/api";
import { INSTRUMENTS } from "#core/ports/instruments.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Counted, Instruments, Meters, Observed, Recorded } from "#core/ports/meters.ts";
import { endpointOf, type Env, serviceOf } from "./exporting.ts";
import { createReaders, type Readers } from "./observed.ts";

export type Metrics = AsyncDisposable & { readonly meters: Meters };

const EVERY_MS = 60_000;

/** `service`: the name of this process, unless `OTEL_SERVICE_NAME` says another. */
export async function openMetrics(service: string, env: Env, log: Logger): Promise<Metrics> {
  const endpoint = endpointOf(env, "metrics");
  if (endpoint === "") return { meters: apiMeters(), [Symbol.asyncDispose]: async () => {} };
  const { openOtlpMetrics } = await import("./otlp-metrics.ts");
  const { meter, stop } = openOtlpMetrics({
    endpoint,
    service: serviceOf(env, service),
    everyMs: intervalOf(env["OTEL_METRIC_EXPORT_INTERVAL"]),
    delta: env["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"]?.trim().toLowerCase() === "delta",
    log,
  });
  return { meters: metersOf(meter), [Symbol.asyncDispose]: stop };
}

/** What whoever registered an SDK of theirs sees; else nothing is counted. */
export function apiMeters(): Meters {
  return metersOf(metrics.getMeter("ark"));
}

/** What is no number of milliseconds counts as unset (OpenTelemetry, configuration by environment). */
function intervalOf(text: string | undefined): number {
  const ms = Number(text?.trim() || Number.NaN);
  return Number.isInteger(ms) && ms > 0 ? ms : EVERY_MS;
}

/** An instrument is made when it is first used: what a process never counts it never sends. */
function metersOf(meter: Meter): Meters {
  const made = new Map<Recorded | Counted, Histogram | Counter>();
  const instrument = <T extends Histogram | Counter>(name: Recorded | Counted, make: () => T): T => {
    const known = made.get(name) ?? make();
    made.set(name, known);
    return known as T;
  };
  const readers = new Map<Observed, Readers>();
  return {
    record: (name, value, attributes) =>
      instrument(name, () => meter.createHistogram(name, withBuckets(name))).record(value, present(attributes)),
    add: (name, count, attributes) =>
      instrument(name, () => meter.createCounter(name, described(name))).add(count, present(attributes)),
    observe(name, read) {
      const known = readers.get(name) ?? observable(meter, name);
      readers.set(name, known);
      return known.add(function* () {
        for (const { value, attributes } of read()) yield { value, attributes: present(attributes) };
      });
    },
  };
}

function observable(meter: Meter, name: Observed): Readers {
  const options = described(name);
  const readers = createReaders();
  const isGauge = INSTRUMENTS[name].kind === "gauge";
  const made = isGauge
    ? meter.createObservableGauge(name, options)
    : meter.createObservableUpDownCounter(name, options);
  made.addCallback(readers.callback);
  return readers;
}

function described(name: keyof Instruments) {
  const { unit, description } = INSTRUMENTS[name];
  return { unit, description };
}

function withBuckets(name: Recorded) {
  return { ...described(name), advice: { explicitBucketBoundaries: [...INSTRUMENTS[name].buckets] } };
}

function present(attributes: Readonly<Record<string, string | number | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
