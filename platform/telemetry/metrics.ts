/**
 * Metrics through `@opentelemetry/api`. The SDK and its exporter are loaded only where an endpoint is set; without one
 * the API's own meter answers, which counts nothing unless somebody registered an SDK of theirs (`node --import`).
 */
import { type Attributes, type Histogram, type Counter, type Meter, metrics } from "@opentelemetry/api";
import { INSTRUMENTS } from "#core/ports/instruments.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Counted, Instruments, Meters, Recorded } from "#core/ports/meters.ts";
import { endpointOf, type Env, serviceOf } from "./exporting.ts";

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
  return {
    record: (name, value, attributes) =>
      instrument(name, () => meter.createHistogram(name, withBuckets(name))).record(value, present(attributes)),
    add: (name, count, attributes) =>
      instrument(name, () => meter.createCounter(name, described(name))).add(count, present(attributes)),
    observe(name, read) {
      const options = described(name);
      const gauge =
        INSTRUMENTS[name].kind === "gauge"
          ? meter.createObservableGauge(name, options)
          : meter.createObservableUpDownCounter(name, options);
      const callback: Parameters<typeof gauge.addCallback>[0] = (result) => {
        for (const { value, attributes } of read()) result.observe(value, present(attributes));
      };
      gauge.addCallback(callback);
      return { [Symbol.dispose]: () => gauge.removeCallback(callback) };
    },
  };
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
