/** Feature: the pool of an agent follows its work and its settings. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { apply, asleep, kubectl, until, untilAll, type Watched } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";

let feature: Feature;
let door: Door;

const podsOf = (feature: Feature) => `/api/v1/namespaces/${feature.namespace}/pods`;
const EXECUTORS = "arkonis.dev/agent=writer";

function prompt(text: string) {
  const metadata = { name: "prompts", namespace: feature.namespace };
  return apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "prompt.txt": text } });
}

beforeAll(async () => {
  feature = await openFeature("agents");
  await prompt("You write in prose.");
  const systemPromptRef = { configMapKeyRef: { name: "prompts", key: "prompt.txt" } };
  await apply({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: feature.namespace },
    spec: { model: "scripted", systemPromptRef, replicas: 3, limits: { maxConcurrentTasks: 1 } },
  });
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
  door = await feature.webhook("greet", { targets: [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }] });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

test("E10: three tasks at once wake three executors, which sleep again when all is done", async () => {
  const fires = await Promise.all([1, 2, 3].map((n) => door.fire({ ask: `hold:load say:load ${n}` })));
  expect(fires.map(({ status }) => status)).toEqual([202, 202, 202]);
  await askedFor("hold:load", 3);
  const running = ({ status }: Watched) => status?.["phase"] === "Running";
  expect(await untilAll(podsOf(feature), EXECUTORS, (pods) => pods.filter(running).length === 3)).toHaveLength(3);
  await release("load");
  const runs = await feature.runs((all) => all.filter(({ status }) => status?.phase === "Succeeded").length === 3);
  expect(new Set(runs.map(({ status }) => status?.output))).toEqual(new Set(["load 1", "load 2", "load 3"]));
  expect(await askedFor("hold:load")).toHaveLength(3);
  await asleep(feature.namespace);
});

test("a changed prompt rolls a revision, and the next task is asked with it", async () => {
  const services = `/apis/serving.knative.dev/v1/namespaces/${feature.namespace}/services`;
  const revision = ({ status }: Watched) => status?.["latestReadyRevisionName"];
  const before = revision(await until(services, "writer-agent", (service) => revision(service) !== undefined));
  await prompt("You write in verse.");
  await until(services, "writer-agent", (service) => revision(service) !== before);
  const fired = await door.fire({ ask: "say:in verse" }, { query: "?mode=sync&timeout=150s" });
  expect(fired).toMatchObject({ status: 200, body: { output: "in verse" } });
  const [request] = await askedFor("say:in verse", 1);
  expect(JSON.stringify(request?.body.messages[0])).toContain("You write in verse.");
});

test("D8: scaled to 0 it takes no task and keeps it; scaled up again it does it", async () => {
  await kubectl("scale", "arkagent", "writer", "-n", feature.namespace, "--replicas=0");
  // A slot that is open may still take a task while it is idle: what counts is what happens once all sleep.
  await asleep(feature.namespace);
  const fired = await door.fire({ ask: "say:patient" });
  const [run] = fired.body["runs"] as [string];
  await feature.run(run, ({ status }) => status?.phase === "Running");
  expect(await askedFor("say:patient")).toHaveLength(0);
  await kubectl("scale", "arkagent", "writer", "-n", feature.namespace, "--replicas=1");
  expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "patient" });
});
