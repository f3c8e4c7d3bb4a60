/** Feature: an event that forbids a second run, and one that is suspended. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { apply, ARK, conditionOf, kubectl, until } from "./harness/cluster.ts";
import { openFeature, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";

let feature: Feature;

beforeAll(async () => {
  feature = await openFeature("concurrency");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
});
afterAll(() => feature?.[Symbol.asyncDispose]());

const targets = [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }];

test("D47: of 20 fires at once one starts a run, and the next one may once that has ended", async () => {
  const door = await feature.webhook("single", { targets, concurrencyPolicy: "Forbid" });
  const fires = await Promise.all(
    Array.from({ length: 20 }, (_, index) => door.fire({ ask: `hold:forbid say:${index}` })),
  );
  expect(new Set(fires.map(({ status }) => status))).toEqual(new Set([202]));
  const [first] = await feature.runs((runs) => runs.some(({ status }) => status?.phase === "Running"));
  await release("forbid");
  await feature.run(first?.metadata.name ?? "");
  expect(await askedFor("hold:forbid")).toHaveLength(1);

  const refused = await feature.runs(() => true);
  expect(refused).toHaveLength(1);
  const again = await door.fire({ ask: "say:the next one" }, { query: "?mode=sync&timeout=120s" });
  expect(again).toMatchObject({ status: 200, body: { output: "the next one" } });
});

test("a suspended event refuses and starts nothing; resumed, it has kept its token", async () => {
  const door = await feature.webhook("pausing", { targets });
  const path = `${ARK}/namespaces/${feature.namespace}/arkevents`;
  const patch = (suspended: boolean) => {
    const change = JSON.stringify({ spec: { suspended } });
    return kubectl("patch", "arkevent", "pausing", "-n", feature.namespace, "--type=merge", "-p", change);
  };
  await patch(true);
  await until(path, "pausing", (event) => conditionOf(event, "Ready")?.reason === "Suspended");
  expect(await door.fire({ ask: "say:while suspended" })).toMatchObject({ status: 503, body: { code: "suspended" } });
  expect(await askedFor("say:while suspended")).toHaveLength(0);

  await patch(false);
  await until(path, "pausing", (event) => conditionOf(event, "Ready")?.status === "True");
  const fired = await door.fire({ ask: "say:resumed" }, { query: "?mode=sync&timeout=120s" });
  expect(fired).toMatchObject({ status: 200, body: { output: "resumed" } });
});

test("a run made by hand is completed from its team and started", async () => {
  const name = "by-hand";
  const metadata = { name, namespace: feature.namespace };
  await apply({
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata,
    spec: { teamRef: "blog", input: { ask: "say:hand" } },
  });
  expect((await feature.run(name)).status).toMatchObject({ phase: "Succeeded", output: "hand" });
});
