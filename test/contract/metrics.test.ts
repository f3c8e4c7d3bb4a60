import { expect, test } from "vitest";
import { INSTRUMENTS } from "#core/ports/instruments.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Counted, Instruments, Meters, Observed, Recorded } from "#core/ports/meters.ts";
import { startOtlp } from "../harness/otlp.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { openTelemetry } from "#platform/telemetry/telemetry.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const NAMES = Object.keys(INSTRUMENTS) as readonly (keyof Instruments)[];

test("every instrument arrives under its name, kind, unit, attributes and bounds", async () => {
  await using otlp = await startOtlp();
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    for (const name of NAMES) use(metrics.meters, name);
  }
  const points = otlp.points();
  expect(points.map(({ name }) => name)).toEqual(NAMES.toSorted());
  for (const { name, kind, unit, attributes, bounds, value, count, isDelta } of points) {
    const wanted = INSTRUMENTS[name as keyof Instruments];
    expect({ kind, unit }).toEqual({ kind: wanted.kind, unit: wanted.unit });
    expect(attributes).toEqual(allOf(name as keyof Instruments));
    expect(bounds).toEqual("buckets" in wanted ? wanted.buckets : []);
    expect({ value, count, isDelta }).toEqual({ value: 2, count: 1, isDelta: false });
  }
  expect(new Set(points.map(({ service }) => service))).toEqual(new Set(["probe"]));
});

test("I1: no instrument has an attribute that says which run, task, prompt or address", () => {
  const said = NAMES.flatMap((name) => INSTRUMENTS[name].attributes.map(String));
  expect(said.filter((name) => /run|task|prompt|url|attempt|id$/.test(name))).toEqual([]);
});

test("O3: two processes of one name are two instances", async () => {
  await using otlp = await startOtlp();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_SERVICE_NAME: "desk" };
  for (const name of ["a", "b"]) {
    await using metrics = await openMetrics(name, env, quiet);
    metrics.meters.add("ark.event.fires", 1, { "ark.outcome": "fired" });
  }
  const points = otlp.points();
  expect(points.map(({ service, value }) => `${service} ${value}`)).toEqual(["desk 1", "desk 1"]);
  expect(new Set(points.map(({ instance }) => instance)).size).toBe(2);
});

test("values go out at the interval that is set, and as deltas where that is asked for", async () => {
  await using otlp = await startOtlp();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_METRIC_EXPORT_INTERVAL: "20",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta",
  };
  await using metrics = await openMetrics("probe", env, quiet);
  const come = otlp.nextPoints();
  metrics.meters.add("ark.event.fires", 3, {});
  expect(await come).toMatchObject([{ name: "ark.event.fires", value: 3, isDelta: true }]);
});

test.each(["ark.runs.active", "ark.wake.held"] as const)("B1, B2: %s is the sum of what is told now", async (name) => {
  await using otlp = await startOtlp();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_METRIC_EXPORT_INTERVAL: "20" };
  await using metrics = await openMetrics("probe", env, quiet);
  const told = (namespace: string, value: number) => ({ value, attributes: { "ark.namespace": namespace } });
  const seen = async () => {
    // The first may have been on its way before.
    await otlp.nextPoints();
    return (await otlp.nextPoints()).map(({ value, attributes }) => `${String(attributes["ark.namespace"])} ${value}`);
  };
  metrics.meters.observe(name, () => [told("a", 4)]);
  {
    using _second = metrics.meters.observe(name, () => [told("a", 3), told("b", 2)]);
    expect(await seen()).toEqual(["a 7", "b 2"]);
  }
  expect(await seen()).toEqual(["a 4", "b 0"]);
});

test("O2: a collector that is away costs no end, and is said once", async () => {
  const said: string[] = [];
  const log: Logger = { ...quiet, warn: (_fields: object, text?: string) => void said.push(text ?? "") };
  {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_TRACES_EXPORTER: "none" };
    await using telemetry = await openTelemetry("probe", env, log);
    telemetry.spans.begin("a", { kind: "internal", parent: undefined, attributes: {} }).end();
    telemetry.meters.add("ark.event.fires", 1, {});
  }
  expect(said).toEqual(["metrics could not be exported"]);
});

test.each([
  ["no endpoint", {}],
  ["OTEL_SDK_DISABLED", { OTEL_SDK_DISABLED: "true" }],
  ["OTEL_METRICS_EXPORTER", { OTEL_METRICS_EXPORTER: "none" }],
])("nothing is dialled: %s", async (name, set) => {
  await using otlp = await startOtlp();
  const endpoint = name === "no endpoint" ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url };
  {
    await using metrics = await openMetrics("probe", { ...endpoint, ...set }, quiet);
    for (const one of NAMES) use(metrics.meters, one);
  }
  expect(otlp.text()).toBe("");
});

test("P7, P10: an endpoint that is no address is refused without showing it", async () => {
  const opened = openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: "user:secret@collector" }, quiet);
  const error = await opened.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  expect(error).toMatchObject({ code: "usage", message: expect.not.stringContaining("secret") });
});

function allOf(name: keyof Instruments): Readonly<Record<string, string>> {
  return Object.fromEntries(INSTRUMENTS[name].attributes.map((attribute) => [attribute, `a ${attribute}`]));
}

function use(meters: Meters, name: keyof Instruments): void {
  const attributes = allOf(name);
  switch (INSTRUMENTS[name].kind) {
    case "histogram":
      return meters.record(name as Recorded, 2, attributes);
    case "counter":
      return meters.add(name as Counted, 2, attributes);
    default:
      meters.observe(name as Observed, () => [{ value: 2, attributes }]);
  }
}
