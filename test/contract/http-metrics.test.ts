/** Requests as they are measured: route and status, never a path that somebody sent. */
import { expect, test } from "vitest";
import { aborted } from "#core/abort.ts";
import type { Route } from "#platform/http/exchange.ts";
import { createApp } from "#platform/http/app.ts";
import { serve } from "#platform/http/server.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { quiet } from "../harness/ark.ts";
import { Lock } from "../harness/lock.ts";
import { startOtlp } from "../harness/otlp.ts";

const route = (method: Route["method"], path: string, handle: Route["handle"], pattern?: string): Route => ({
  method,
  path,
  handle,
  ...(pattern !== undefined && { pattern }),
});

test("a request is measured by its route's pattern and its status, whatever became of it", async () => {
  await using otlp = await startOtlp();
  {
    await using metrics = await openMetrics("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }, quiet);
    const [came, left] = [new Lock(), new Lock()];
    const routes = [
      route("POST", "/triggers/:namespace/:name", async () => ({ kind: "empty", status: 204 })),
      route("GET", "/services/a/b", async () => ({ kind: "empty", status: 200 }), "/services/:namespace/:name"),
      route("GET", "/broken", () => Promise.reject(new Error("a bug"))),
      route("GET", "/slow", async ({ signal }) => {
        came.unlock();
        await aborted(signal);
        left.unlock();
        return { kind: "empty", status: 200 };
      }),
    ];
    const app = createApp({ routes, ready: () => true, log: quiet, meters: metrics.meters });
    await using serving = await serve(app, { port: 0, host: "127.0.0.1" });
    const ask = (method: string, path: string, signal?: AbortSignal) =>
      fetch(`${serving.url}${path}`, { method, ...(signal !== undefined && { signal }) });
    await ask("POST", "/triggers/a-name/nobody-else-has");
    await ask("PROPFIND", "/triggers/a/b");
    await ask("GET", "/services/a/b");
    await ask("GET", "/broken");
    await ask("GET", "/no-such-path");
    await ask("GET", "/healthz");
    const gone = new AbortController();
    const slow = ask("GET", "/slow", gone.signal).catch(() => {});
    await came.done;
    gone.abort();
    await slow;
    await left.done;
  }
  const seen = otlp.points().map(({ name, kind, unit, count, attributes }) => ({
    instrument: `${name} ${kind} ${unit} ${count}`,
    ...Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key.split(".").at(-1), value])),
  }));
  const instrument = "http.server.request.duration histogram s 1";
  expect(seen.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual([
    { instrument, method: "GET", route: "/broken", status_code: 500, type: "500" },
    { instrument, method: "GET", route: "/services/{ns}/{name}", status_code: 200 },
    { instrument, method: "GET", route: "/slow", type: "_OTHER" },
    { instrument, method: "POST", route: "/triggers/{ns}/{name}", status_code: 204 },
    { instrument, method: "_OTHER", route: "/triggers/{ns}/{name}", status_code: 405 },
  ]);
  expect(otlp.text()).not.toContain("nobody-else-has");
});
