import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openKube } from "#platform/kube/client.ts";
import { electLeader, type LeaseOptions } from "#platform/kube/lease.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { startKube } from "../../harness/kube.ts";
import { Lock } from "../../harness/lock.ts";
import { QUIET } from "./quiet.ts";

vi.setConfig({ testTimeout: 180_000 });

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api[Symbol.asyncDispose]());

const FAST = { retryMs: 50, renewMs: 5_000, durationMs: 8_000 };

function candidate(
  name: string,
  identity: string,
  options: Partial<LeaseOptions> = {},
  kubeconfig: string = api.kubeconfig,
) {
  const stop = new AbortController();
  const began = new Lock(1, 120_000);
  let leading = false;
  const settings = { namespace: "default", name, identity, now: Date.now, log: QUIET, ...FAST, ...options };
  const running = electLeader(
    openKube({ kubeconfig }),
    settings,
    async (signal) => {
      leading = true;
      began.unlock();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      leading = false;
    },
    stop.signal,
  );
  return {
    began: began.done,
    isLeading: () => leading,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

async function holder(name: string): Promise<unknown> {
  const { body } = await api.request("GET", `/apis/coordination.k8s.io/v1/namespaces/default/leases/${name}`);
  return (body["spec"] as Record<string, unknown> | undefined)?.["holderIdentity"];
}

test("E3: of many that try, one leads; E4: the next one leads as soon as it has stopped", async () => {
  const all = ["a", "b", "c"].map((identity) => candidate("one", identity));
  await Promise.race(all.map(({ began }) => began));
  expect(all.filter((one) => one.isLeading())).toHaveLength(1);
  const first = all.find((one) => one.isLeading());
  await first?.stop();
  const rest = all.filter((one) => one !== first);
  await Promise.race(rest.map(({ began }) => began));
  expect(rest.filter((one) => one.isLeading())).toHaveLength(1);
  for (const { began } of all) began.catch(() => undefined);
  await Promise.all(rest.map((one) => one.stop()));
  expect(await holder("one")).toBe("");
});

test("E1: a leader whose Lease another took stops its work", async () => {
  const one = candidate("two", "one");
  await one.began;
  const path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/two";
  await api.request("PATCH", path, { spec: { holderIdentity: "thief", leaseDurationSeconds: 3_600 } });
  await expect.poll(() => one.isLeading(), { timeout: 60_000 }).toBe(false);
  expect(await holder("two")).toBe("thief");
  await one.stop();
});

test("E2: a Lease that nobody renews is taken once it has run out", async () => {
  const path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  await api.request("POST", path, {
    metadata: { name: "three" },
    spec: { holderIdentity: "dead", leaseDurationSeconds: 1, renewTime: "2100-01-01T00:00:00.000000Z" },
  });
  const next = candidate("three", "next");
  await next.began;
  expect(await holder("three")).toBe("next");
  await next.stop();
});

/** As much of an API server as a Lease needs: one store behind several doors, each of which may fall silent. */
function leaseStore() {
  let stored: { readonly metadata: { readonly resourceVersion: string } } | undefined;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "GET") {
      const version = Number(stored?.metadata.resourceVersion ?? 0) + 1;
      stored = { ...JSON.parse(await text(request)), metadata: { resourceVersion: String(version) } };
    }
    response.writeHead(stored === undefined ? 404 : 200).end(JSON.stringify(stored ?? {}));
  };
  return async () => {
    let isSilent = false;
    const there = await startKube((request, response) => isSilent || void answer(request, response));
    return { ...there, fallSilent: () => void (isSilent = true) };
  };
}

const SOON = { retryMs: 20, renewMs: 500, durationMs: 2_000 };

test("E1: whom the API server does not answer has stopped before another one leads", async () => {
  const open = leaseStore();
  await using here = await open();
  await using there = await open();
  const one = candidate("four", "one", SOON, here.kubeconfig);
  await one.began;
  const other = candidate("four", "other", SOON, there.kubeconfig);
  here.fallSilent();
  await other.began;
  expect(one.isLeading()).toBe(false);
  await other.stop();
  await one.stop();
});

test("E1: whom the API server refuses has stopped before another one leads", async () => {
  const open = leaseStore();
  await using there = await open();
  const here = await open();
  const one = candidate("five", "one", SOON, here.kubeconfig);
  await one.began;
  const other = candidate("five", "other", SOON, there.kubeconfig);
  await here[Symbol.asyncDispose]();
  await other.began;
  expect(one.isLeading()).toBe(false);
  await other.stop();
  await one.stop();
});
