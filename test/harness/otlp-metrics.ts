/** Metrics as an OTLP collector receives them in JSON, one record a data point. */
import * as z from "zod";

export type ReceivedPoint = {
  readonly name: string;
  readonly kind: "histogram" | "counter" | "up-down counter" | "gauge";
  readonly unit: string;
  readonly isDelta: boolean;
  /** Of a histogram: the sum of what was recorded. */
  readonly value: number;
  /** Of a histogram: how many were recorded; else 1. */
  readonly count: number;
  readonly bounds: readonly number[];
  readonly service: string;
  readonly instance: string;
  readonly attributes: Readonly<Record<string, unknown>>;
};

export const Attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])));

const DELTA = 1;
const count = z.coerce.number();
const NumberPoint = z
  .object({ attributes: Attributes, asInt: count.optional(), asDouble: z.number().optional() })
  .transform(({ attributes, asInt, asDouble }) => ({
    attributes,
    value: asInt ?? asDouble ?? 0,
    count: 1,
    bounds: [],
  }));
const HistogramPoint = z
  .object({ attributes: Attributes, count, sum: z.number(), explicitBounds: z.array(z.number()) })
  .transform(({ sum, explicitBounds, ...rest }) => ({ ...rest, value: sum, bounds: explicitBounds }));
const Metric = z.object({
  name: z.string(),
  unit: z.string(),
  gauge: z.object({ dataPoints: z.array(NumberPoint) }).optional(),
  sum: z
    .object({ dataPoints: z.array(NumberPoint), isMonotonic: z.boolean(), aggregationTemporality: z.number() })
    .optional(),
  histogram: z.object({ dataPoints: z.array(HistogramPoint), aggregationTemporality: z.number() }).optional(),
});
const Export = z.object({
  resourceMetrics: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeMetrics: z.array(z.object({ metrics: z.array(Metric) })),
    }),
  ),
});

export function readMetrics(text: string): readonly ReceivedPoint[] {
  return Export.parse(JSON.parse(text)).resourceMetrics.flatMap(({ resource, scopeMetrics }) => {
    const of = {
      service: String(resource.attributes["service.name"]),
      instance: String(resource.attributes["service.instance.id"]),
    };
    return scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap((metric) => {
        const { name, unit, gauge, sum, histogram } = metric;
        const isDelta = (sum ?? histogram)?.aggregationTemporality === DELTA;
        const points = (histogram ?? sum ?? gauge)?.dataPoints ?? [];
        return points.map((point) => ({ ...of, name, unit, isDelta, kind: kindOf(metric), ...point }));
      }),
    );
  });
}

function kindOf({ histogram, sum }: z.output<typeof Metric>): ReceivedPoint["kind"] {
  if (histogram !== undefined) return "histogram";
  if (sum === undefined) return "gauge";
  return sum.isMonotonic ? "counter" : "up-down counter";
}
