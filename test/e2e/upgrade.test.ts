/** Feature: CRDs and manifests are applied again over objects that are there, in the middle of a run. */
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubectl } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";

const CRDS = path.resolve(import.meta.dirname, "../../crds");

let feature: Feature;
let door: Door;

beforeAll(async () => {
  feature = await openFeature("upgrade");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
  door = await feature.webhook("greet", { targets: [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }] });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

type Listed = { items: { kind: string; metadata: { name: string; uid: string }; spec: unknown; status?: unknown }[] };

/** Everything that people wrote, and what a run that has ended says. */
async function objects(): Promise<unknown> {
  const kinds = "arkagents,arkteams,arkevents,arkruns";
  const listed = JSON.parse(await kubectl("get", kinds, "-n", feature.namespace, "-o", "json")) as Listed;
  return listed.items.map(({ kind, metadata: { name, uid }, spec, status }) => ({
    kind,
    name,
    uid,
    spec,
    ...(kind === "ArkRun" && { status }),
  }));
}

/** The CRD as a version before this one had it: with a field that is gone since. */
async function asBefore(name: string): Promise<void> {
  const spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/gone";
  const patch = JSON.stringify([{ op: "add", path: spec, value: { type: "string" } }]);
  await kubectl("patch", "crd", name, "--type=json", "-p", patch);
}

test("what is stored stays as it is, a run that is under way ends, and new ones start", async () => {
  await asBefore("arkteams.arkonis.dev");
  await asBefore("arkagents.arkonis.dev");
  const first = await door.fire({ ask: "say:before" }, { query: "?mode=sync&timeout=150s" });
  expect(first).toMatchObject({ status: 200, body: { output: "before" } });
  const fired = await door.fire({ ask: "hold:upgrade say:between" });
  const [between] = fired.body["runs"] as [string];
  await askedFor("hold:upgrade", 1);
  await feature.run(between, ({ status }) => status?.steps?.[0]?.phase === "Running");
  const before = await objects();
  await kubectl("apply", "--server-side", "--force-conflicts", "-f", CRDS);
  expect(await objects()).toEqual(before);
  await release("upgrade");
  expect((await feature.run(between)).status).toMatchObject({ phase: "Succeeded", output: "between" });
  const next = await door.fire({ ask: "say:after" }, { query: "?mode=sync&timeout=150s" });
  expect(next).toMatchObject({ status: 200, body: { output: "after" } });
});
