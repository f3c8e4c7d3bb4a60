/** Feature: what breaks in the middle of a run costs time, never the run, and no model call twice (P1, P3, P8). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { asleep, kubectl, run as cli, until, untilAll, type Watched } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";
import { BROKER, SYSTEM } from "./harness/names.ts";

let feature: Feature;
let door: Door;
const SYNC = { query: "?mode=sync&timeout=150s" };

beforeAll(async () => {
  feature = await openFeature("failures");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.first }}", "{{ .input.second }}"]);
  const input = { first: "{{ .trigger.body.first }}", second: "{{ .trigger.body.second }}" };
  door = await feature.webhook("greet", { targets: [{ team: "blog", input }] });
  await feature.event("orders", {
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "com.example.order" } }] } },
    targets: [{ team: "blog", input }],
  });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

/** How to restart it depends on the cluster; scripts/e2e.ts knows how on a lab. */
const RESTART_API_SERVER = process.env["ARK_E2E_RESTART_API_SERVER"] ?? "";
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${SYSTEM}/deployments`;

type Slice = Watched & { readonly endpoints?: readonly { readonly conditions: { readonly ready?: boolean } }[] };

/** The Service in front of the operator leads somewhere, and its node knows: until then it refuses connections. */
async function doorOpen(): Promise<void> {
  const slices = `/apis/discovery.k8s.io/v1/namespaces/${SYSTEM}/endpointslices`;
  await untilAll<Slice>(slices, "kubernetes.io/service-name=ark-operator", (all) =>
    all.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions.ready === true) ?? false),
  );
  const answers = () => fetch(door.url, { signal: AbortSignal.timeout(10_000) }).then(Boolean, () => false);
  await expect.poll(answers, { timeout: 60_000, interval: 200 }).toBe(true);
}

async function scaleOperator(replicas: number): Promise<void> {
  await kubectl("scale", "deployment", "ark-operator", "-n", SYSTEM, `--replicas=${replicas}`);
  await until(DEPLOYMENTS, "ark-operator", ({ status }) => Number(status?.["availableReplicas"] ?? 0) === replicas);
}

/** Fires a run whose second step is held; resolves once the model was asked for it. */
async function inSecondStep(name: string): Promise<string> {
  const fired = await door.fire({ first: `say:${name} one`, second: `hold:${name} say:${name} two` });
  expect(fired.status).toBe(202);
  const [run] = fired.body["runs"] as [string];
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

test(
  "P8, D13: the operator away during a run, and from before an event that finds every function asleep",
  { timeout: 600_000 },
  async () => {
    const { spec } = await until(DEPLOYMENTS, "ark-operator", () => true);
    const during = await inSecondStep("leaderless");
    await scaleOperator(0);
    try {
      await release("leaderless");
      expect((await feature.run(during)).status).toMatchObject({ phase: "Succeeded", output: "leaderless two" });
      await asleep(SYSTEM, feature.namespace);
      const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/orders", "ce-type": "com.example.order" };
      const accepted = await fetch(BROKER, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ first: "say:alone one", second: "say:alone two" }),
        signal: AbortSignal.timeout(60_000),
      });
      expect(accepted.status).toBe(202);
      await feature.runs((all) => all.some(({ status }) => status?.output === "alone two"));
      expect(await askedFor("say:alone")).toHaveLength(2);
    } finally {
      await scaleOperator(Number(spec?.["replicas"]));
    }
    await doorOpen();
    expect(await door.fire({ first: "say:back", second: "say:again" }, SYNC)).toMatchObject({
      status: 200,
      body: { output: "again" },
    });
  },
);

test.runIf(RESTART_API_SERVER)(
  "P8: the API server restarted during a run: it goes on, and the status catches up",
  async () => {
    const run = await inSecondStep("unserved");
    const said = await cli("sh", ["-c", RESTART_API_SERVER]);
    expect(said.code, said.err).toBe(0);
    await release("unserved");
    expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "unserved two" });
    expect(await askedFor("say:unserved one")).toHaveLength(1);
  },
);

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

test("the collector's pod gone at once during a run, as a node under pressure lets it go", async () => {
  const collectors = "serving.knative.dev/service=ark-collector";
  const fired = await door.fire({ first: "say:evicted one", second: "hold:evicted say:evicted two" });
  const [run] = fired.body["runs"] as [string];
  await untilAll(`/api/v1/namespaces/${SYSTEM}/pods`, collectors, (pods) => pods.length > 0);
  await kubectl("delete", "pod", "-n", SYSTEM, "-l", collectors, "--grace-period=0", "--force", "--wait=false");
  await askedFor("hold:evicted", 1);
  await release("evicted");
  expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "evicted two" });
  expect(await askedFor("say:evicted one")).toHaveLength(1);
});
