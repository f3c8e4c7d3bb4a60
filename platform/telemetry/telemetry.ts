/** Spans and metrics of one process, opened and closed as one: its end waits for both at the same time. */
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import type { Spans } from "#core/ports/spans.ts";
import type { Env } from "./exporting.ts";
import { openMetrics } from "./metrics.ts";
import { openTracing } from "./tracing.ts";

export type Telemetry = AsyncDisposable & { readonly spans: Spans; readonly meters: Meters };

/** Throws ArkError where the endpoint is no address. */
export async function openTelemetry(service: string, env: Env, log: Logger): Promise<Telemetry> {
  const tracing = await openTracing(service, env, log);
  const metrics = await openMetrics(service, env, log);
  return {
    spans: tracing.spans,
    meters: metrics.meters,
    async [Symbol.asyncDispose]() {
      await Promise.all([tracing[Symbol.asyncDispose](), metrics[Symbol.asyncDispose]()]);
    },
  };
}
