/** Feature: what breaks in the middle of a run costs time, never the run, and no model call twice (P1, P3, P8). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubectl, until, untilAll } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";
import { SYSTEM } from "./harness/names.ts";

let feature: Feature;
let door: Door;
const SYNC = { query: "?mode=sync&timeout=150s" };

beforeAll(async () => {
  feature = await openFeature("failures");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.first }}", "{{ .input.second }}"]);
  const input = { first: "{{ .trigger.body.first }}", second: "{{ .trigger.body.second }}" };
  door = await feature.webhook("greet", { targets: [{ team: "blog", input }] });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

const DEPLOYMENTS = `/apis/apps/v1/namespaces/${SYSTEM}/deployments`;

async function scaleOperator(replicas: number): Promise<void> {
  await kubectl("scale", "deployment", "ark-operator", "-n", SYSTEM, `--replicas=${replicas}`);
  await until(DEPLOYMENTS, "ark-operator", ({ status }) => Number(status?.["availableReplicas"] ?? 0) === replicas);
}

/** As a client does that hears 503 with Retry-After: nothing was fired, so it asks again. */
async function fireUntilAccepted(body: object): Promise<[string]> {
  for (;;) {
    const fired = await door.fire(body);
    if (fired.status === 202) return fired.body["runs"] as [string];
    expect(fired.status).toBe(503);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Fires a run whose second step is held; resolves once the model was asked for it. */
async function inSecondStep(name: string): Promise<string> {
  const [run] = await fireUntilAccepted({ first: `say:${name} one`, second: `hold:${name} say:${name} two` });
  await feature.run(run, ({ status }) => status?.steps?.some(({ phase }) => phase === "Running") ?? false);
  await askedFor(`hold:${name}`, 1);
  return run;
}

test("an executor killed in mid-step: the step comes again, what was recorded is not asked again", async () => {
  const run = await inSecondStep("killed");
  const path = `/api/v1/namespaces/${feature.namespace}/pods`;
  const pods = await untilAll(path, "serving.knative.dev/service", (all) => all.length > 0);
  const names = pods.map(({ metadata }) => metadata.name ?? "");
  await kubectl("delete", "pod", ...names, "-n", feature.namespace, "--grace-period=0", "--force", "--wait=false");
  await askedFor("hold:killed", 2);
  await release("killed");
  expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "killed two" });
  expect(await askedFor("say:killed one")).toHaveLength(1);
});

test("P8: the operator away during a run, and before an event", async () => {
  const { spec } = await until(DEPLOYMENTS, "ark-operator", () => true);
  const during = await inSecondStep("leaderless");
  await scaleOperator(0);
  await release("leaderless");
  expect((await feature.run(during)).status).toMatchObject({ phase: "Succeeded", output: "leaderless two" });
  await scaleOperator(Number(spec?.["replicas"]));
  expect(await door.fire({ first: "say:back", second: "say:again" }, SYNC)).toMatchObject({
    status: 200,
    body: { output: "again" },
  });
});

test("P8: NATS restarted during a run", async () => {
  const run = await inSecondStep("restarted");
  const pods = `/api/v1/namespaces/${SYSTEM}/pods`;
  const before = await until(pods, "ark-nats-0", () => true);
  await kubectl("delete", "pod", "ark-nats-0", "-n", SYSTEM, "--wait=false");
  await until(pods, "ark-nats-0", ({ metadata, status }) => {
    const statuses = status?.["containerStatuses"] as { ready: boolean }[] | undefined;
    return metadata.uid !== before.metadata.uid && (statuses?.every(({ ready }) => ready) ?? false);
  });
  await release("restarted");
  expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "restarted two" });
  expect(await askedFor("say:restarted one")).toHaveLength(1);
});

test("the collector's pods evicted during a run", async () => {
  const run = await inSecondStep("evicted");
  await kubectl("delete", "pod", "-n", SYSTEM, "-l", "serving.knative.dev/service=ark-collector", "--wait=false");
  await release("evicted");
  expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "evicted two" });
  expect(await askedFor("say:evicted one")).toHaveLength(1);
});
