/** Wakes over the terms of a leader, on a real API server that goes away and comes back. */
import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { openKube } from "#platform/kube/client.ts";
import { electLeader } from "#platform/kube/lease.ts";
import { createLeading } from "../../../operator/lead.ts";
import { createWaking } from "../../../operator/waker/waking.ts";
import { startHttp } from "../../harness/http.ts";
import { QUIET } from "./quiet.ts";
import { configOf, leadDeps, startOperatorWorld, SYSTEM, wakingDeps } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

const POLL = { timeout: 60_000, interval: 20 };
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/wakes`;

/** A function that holds each wake until it is told to end it. */
async function startHolder() {
  const open = new Set<ServerResponse>();
  let asked = 0;
  const server = await startHttp((_request, response) => {
    asked += 1;
    response.writeHead(200).write("{}\n");
    open.add(response);
    response.on("close", () => open.delete(response));
  });
  return {
    ...server,
    asked: () => asked,
    open: () => open.size,
    endAll: () => open.forEach((one) => one.end()),
  };
}

test("V1, V2, P8: wakes go on while the API server is away, over the next term, until another leads", async () => {
  await using pods = await startHolder();
  await using world = await startOperatorWorld();
  const { api, js } = world;
  const stop = new AbortController();
  const waking = createWaking({ ...wakingDeps(js), everyMs: 50, backoffMs: { first: 10, most: 50 } }, stop.signal);
  const config = configOf(world.nats.url, { ARK_WEBHOOK_URL: pods.url });
  const terms = { begun: 0, ended: 0 };
  const electing = electLeader(
    openKube({ kubeconfig: api.kubeconfig }),
    {
      namespace: SYSTEM,
      name: "wakes",
      identity: "me",
      retryMs: 50,
      renewMs: 2_000,
      durationMs: 8_000,
      now: Date.now,
      log: QUIET,
      onOther: () => waking.letGo(),
    },
    async (signal) => {
      terms.begun += 1;
      await createLeading(leadDeps(api, js, waking, config)).run(signal);
      terms.ended += 1;
    },
    stop.signal,
  );
  // Nobody confirms it: the relay is wanted all the time.
  const cloudEvent = { specversion: "1.0", id: "1", source: "/test", type: "t", extensions: {} } as const;
  await js.outbox.publish({ namespace: "default", event: "e", key: "1", cloudEvent, firedAt: 0 }, "uid");
  await expect.poll(pods.open, POLL).toBe(1);

  await api.stop();
  await expect.poll(() => terms.ended, POLL).toBe(terms.begun);
  expect(pods.open()).toBe(1);
  const before = pods.asked();
  pods.endAll();
  await expect.poll(pods.asked, POLL).toBeGreaterThan(before);
  await expect.poll(pods.open, POLL).toBe(1);

  const [held, begun] = [pods.asked(), terms.begun];
  await api.restart();
  await expect.poll(() => terms.begun, POLL).toBeGreaterThan(begun);
  await api.request("PATCH", LEASE, { spec: { holderIdentity: "another", leaseDurationSeconds: 3_600 } });
  await expect.poll(pods.open, POLL).toBe(0);
  expect(pods.asked()).toBe(held);
  stop.abort();
  await Promise.all([electing, waking.ended()]);
});
