/** An OTLP/HTTP collector in one line: `await using otlp = await startOtlp();` keeps the spans and metrics it is sent. */
import * as z from "zod";
import { startHttp, type TestHttp } from "./http.ts";
import { Attributes, type ReceivedPoint, readMetrics } from "./otlp-metrics.ts";

export type ReceivedSpan = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parent: string;
  readonly kind: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
  readonly service: string;
  readonly attributes: Readonly<Record<string, unknown>>;
};

/** `url`: for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export type TestOtlp = TestHttp & {
  readonly spans: () => readonly ReceivedSpan[];
  /** The newest of each series, in order of their names; cumulative. */
  readonly points: () => readonly ReceivedPoint[];
  /** Resolves with the next metrics that come. */
  readonly nextPoints: () => Promise<readonly ReceivedPoint[]>;
  /** Everything that came, as it came. */
  readonly text: () => string;
};

const nanos = z.string().transform((text) => Number(BigInt(text) / 1_000_000n));
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              name: z.string(),
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().default(""),
              kind: z.number(),
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              status: z.object({ code: z.number().default(0) }),
              attributes: Attributes,
            }),
          ),
        }),
      ),
    }),
  ),
});

const FAILED = 2;
const TRACES = "/v1/traces";
const METRICS = "/v1/metrics";

export async function startOtlp(): Promise<TestOtlp> {
  const spans: ReceivedSpan[] = [];
  const points = new Map<string, ReceivedPoint>();
  const texts: string[] = [];
  const waiting: ((come: readonly ReceivedPoint[]) => void)[] = [];
  const take = (url: string | undefined, text: string): void => {
    texts.push(text);
    if (url === TRACES) return void spans.push(...read(text));
    const come = readMetrics(text);
    for (const point of come) points.set(JSON.stringify([point.name, point.instance, point.attributes]), point);
    for (const resolve of waiting.splice(0)) resolve(come);
  };
  const server = await startHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const known = request.method === "POST" && (request.url === TRACES || request.url === METRICS);
      if (known) take(request.url, text);
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end("{}");
    });
  });
  return {
    ...server,
    spans: () => spans,
    points: () => [...points.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    nextPoints: () => new Promise((resolve) => waiting.push(resolve)),
    text: () => texts.join("\n"),
  };
}

function read(text: string): readonly ReceivedSpan[] {
  return Export.parse(JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, kind, status, attributes, ...span }) => ({
        name,
        traceId,
        spanId,
        parent: parentSpanId,
        kind,
        startedAt: span.startTimeUnixNano,
        endedAt: span.endTimeUnixNano,
        failed: status.code === FAILED,
        service: String(resource.attributes["service.name"]),
        attributes,
      })),
    ),
  );
}
