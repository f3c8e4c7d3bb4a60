/** What the operator counts, on a real API server and a real nats-server, as an OTLP collector receives it. */
import { expect, test, vi } from "vitest";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { openMetrics } from "#platform/telemetry/metrics.ts";
import { createLeading } from "../../../operator/lead.ts";
import { createWaking } from "../../../operator/waker/waking.ts";
import { startHttp } from "../../harness/http.ts";
import { startOtlp } from "../../harness/otlp.ts";
import { QUIET } from "./quiet.ts";
import { configOf, leadDeps, POLL, startOperatorWorld, wakingDeps } from "./world.ts";

vi.setConfig({ testTimeout: 180_000 });

const RUNS = "/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns";

test("passes by kind and outcome; active runs, dead letters and held wakes as they are, until the term ends", async () => {
  await using otlp = await startOtlp();
  await using pods = await startHolder();
  await using world = await startOperatorWorld();
  const { api, js } = world;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_METRIC_EXPORT_INTERVAL: "50" };
  await using metrics = await openMetrics("ark-operator", env, QUIET);
  const { meters } = metrics;
  const stop = new AbortController();
  const waking = createWaking({ ...wakingDeps(js), meters, everyMs: 50 }, stop.signal);
  const config = configOf(world.nats.url, { ARK_WEBHOOK_URL: pods.url });
  const leading = createLeading({ ...leadDeps(api, js, waking, config), meters });
  const running = leading.run(stop.signal);

  for (const [name, phase] of [
    ["a", "Running"],
    ["b", "Running"],
    ["c", "Succeeded"],
  ] as const) {
    const spec = { teamRef: "blog", input: {} };
    await api.request("POST", RUNS, { apiVersion: API_VERSION, kind: "ArkRun", metadata: { name }, spec });
    await api.request("PATCH", `${RUNS}/${name}/status`, { status: { phase } });
  }
  const letter = { namespace: "default", name: "hook", reason: "TeamNotFound", message: "no team", original: {} };
  await js.deadLetters.store({ ...letter, of: "event", at: 7 }, "id-1");
  await js.deadLetters.store({ ...letter, of: "event", name: "other", at: 7 }, "id-2");
  await js.deadLetters.store({ ...letter, of: "task", name: "writer", at: 7 }, "id-3");
  // Nobody confirms it: the relay is wanted all the time.
  const cloudEvent = { specversion: "1.0", id: "1", source: "/test", type: "t", extensions: {} } as const;
  await js.outbox.publish({ namespace: "default", event: "e", key: "1", cloudEvent, firedAt: 0 }, "uid");

  const said = (name: string) =>
    otlp
      .points()
      .filter((point) => point.name === name)
      .map(({ kind, unit, value, attributes }) => ({ kind, unit, value, attributes }));
  const here = { "ark.namespace": "default" };
  const active = { kind: "up-down counter", unit: "{run}", value: 2, attributes: { ...here, "ark.team": "blog" } };
  await expect.poll(() => said("ark.runs.active"), POLL).toEqual([active]);
  const kept = { kind: "gauge", unit: "{message}" };
  await expect
    .poll(() => said("ark.dlq.messages"), POLL)
    .toEqual([
      { ...kept, value: 2, attributes: here },
      { ...kept, value: 1, attributes: { ...here, "ark.agent": "writer" } },
    ]);
  const held = { kind: "gauge", unit: "{request}", value: 1, attributes: { "ark.agent": "relay" } };
  await expect.poll(() => said("ark.wake.held"), POLL).toContainEqual(held);
  const passes = () => said("ark.reconcile.duration").map(({ attributes }) => attributes);
  await expect.poll(passes, POLL).toContainEqual({ "ark.kind": "ArkRun", "ark.outcome": "done" });

  stop.abort();
  await Promise.all([running, waking.ended()]);
  await otlp.nextPoints();
  const after = await otlp.nextPoints();
  expect(after.filter(({ name, value }) => /active|dlq|wake/.test(name) && value !== 0)).toEqual([]);
});

/** A function that holds every wake. */
const startHolder = () => startHttp((_request, response) => void response.writeHead(200).write("{}\n"));
