/** D42: each strategy, by counts over 300 tasks, with three executors as processes of their own on one queue. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Strategy } from "#core/api/v1alpha1/ark-service.ts";
import { SERVICE_TOKEN, startRouter, type TestRouter } from "../harness/router.ts";
import { until } from "../harness/ark.ts";
import { AGENT, NAMESPACE, startWorld, type World } from "../harness/world.ts";

const TASKS = 300;
const AT_ONCE = 6;
/** More than all that the test sends at once. */
const HELD = 30;
const PODS = ["pod-a", "pod-b", "pod-c"];

let world: World<"webhook" | "dispatcher" | "collector">;
let router: TestRouter;
let release: () => void = () => {};
beforeAll(async () => {
  const held = new Promise<void>((resolve) => (release = resolve));
  world = await startWorld({
    functions: ["webhook", "dispatcher", "collector"],
    bundled: true,
    maxConcurrentTasks: 50,
    script: { rules: [{ match: "Hold", answers: [{ text: "held", until: held }] }, { answers: [{ text: "done" }] }] },
  });
  await Promise.all(PODS.map((pod) => world.spawn("executor", { HOSTNAME: pod })));
  router = await startRouter(world.js, AGENT, { random: dice() });
  await until(async () => ((await ready()).length === PODS.length ? true : undefined), "three ready instances");
});
afterAll(async () => {
  release();
  await router[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const pool = { namespace: NAMESPACE, agent: AGENT };

async function ready(): Promise<readonly string[]> {
  return (await world.js.instances.list(pool)).filter((one) => one.ready).map(({ instance }) => instance);
}

/** The same throws in every run of the test: a linear congruential generator (Numerical Recipes). */
function dice(): () => number {
  let state = 42;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

/** How often each instance was chosen, and how often it did the work. */
type Counts = { readonly meant: Record<string, number>; readonly worked: Record<string, number> };

async function send(strategy: Strategy): Promise<Counts> {
  const meant: Record<string, number> = {};
  const worked: Record<string, number> = {};
  let left = TASKS;
  const sender = async () => {
    while (left > 0) {
      left -= 1;
      const response = await router.post(strategy, { prompt: "Write." });
      const { status, taskID } = (await response.json()) as { status: string; taskID: string };
      expect(status).toBe("succeeded");
      for await (const { fact } of world.js.factLog.history({ namespace: NAMESPACE, run: taskID })) {
        if (fact.kind === "run.requested") add(meant, fact.via?.instance);
        if (fact.kind === "step.started") add(worked, fact.instance);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return { meant, worked };
}

function add(counts: Record<string, number>, name = "nobody"): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Whoever pulls a task hands it over; on a machine under load a few hand-overs come too late to be answered. */
function expectAsMeant({ meant, worked }: Counts): void {
  for (const pod of PODS) expect(Math.abs((worked[pod] ?? 0) - (meant[pod] ?? 0))).toBeLessThanOrEqual(TASKS / 10);
}

test("a router of its own stands at one service, and ends on SIGTERM", { timeout: 120_000 }, async () => {
  const alone = await world.spawn("router", { ARK_NAMESPACE: NAMESPACE, ARK_SERVICE: "random" });
  const post = (token: string, path = "/task") =>
    fetch(`${alone.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ prompt: "Write." }),
    });
  expect((await post("another")).status).toBe(401);
  const response = await post(SERVICE_TOKEN);
  expect([response.status, await response.json()]).toMatchObject([200, { status: "succeeded", output: "done" }]);
  expect((await fetch(`${alone.url}/.well-known/agent-card.json`)).status).toBe(200);
  // As the front door passes it on.
  const base = `/services/${NAMESPACE}/random`;
  const passed = await post(SERVICE_TOKEN, `${base}?mode=async`);
  expect([passed.status, passed.headers.get("location")]).toMatchObject([
    202,
    expect.stringContaining(`${base}/tasks/`),
  ]);
  expect((await post(SERVICE_TOKEN, `/services/${NAMESPACE}/round-robin`)).status).toBe(404);
  expect(await alone.stop()).toBe(0);
});

describe("D42", { timeout: 120_000 }, () => {
  test("round-robin: each instance in turn", async () => {
    const counts = await send("round-robin");
    expect(counts.meant).toEqual({ "pod-a": 100, "pod-b": 100, "pod-c": 100 });
    expectAsMeant(counts);
  });

  test("random: each instance about equally often, and not in turn", async () => {
    const counts = await send("random");
    for (const pod of PODS) {
      expect(counts.meant[pod]).toBeGreaterThan(70);
      expect(counts.meant[pod]).toBeLessThan(130);
    }
    expectAsMeant(counts);
  });

  test("least-busy: an instance that has its hands full gets nothing, the others share", async () => {
    for (let n = 0; n < HELD; n += 1) await hold(n, "pod-a");
    await until(async () => {
      const found = await world.js.instances.list(pool);
      const full = found.find(({ instance }) => instance === "pod-a")?.active ?? 0;
      return full > HELD - AT_ONCE ? true : undefined;
    }, "an instance with its hands full");
    const counts = await send("least-busy");
    expect(counts.meant["pod-a"]).toBeUndefined();
    for (const pod of ["pod-b", "pod-c"]) expect(counts.meant[pod]).toBeGreaterThan(TASKS / 3);
    expectAsMeant(counts);
  });
});

/** A run whose one task is meant for `instance`, and does not end before the test. */
async function hold(n: number, instance: string): Promise<void> {
  const run = `hold-${n}`;
  const spec = { agent: AGENT, prompt: "Hold." };
  const request = { at: Date.now(), namespace: NAMESPACE, run, uid: run, spec, depth: 0, hop: 0 };
  const via = { service: "least-busy", instance };
  await world.js.factLog.publish({ namespace: NAMESPACE, run, uid: run }, { kind: "run.requested", ...request, via });
}
