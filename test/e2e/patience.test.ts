/** Feature: a step that lasts outlives the scale-down of its pool. The pool's window is a setting; the lab's is 10 s. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { asleep, untilAll, type Watched } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";

let feature: Feature;
let door: Door;
const EXECUTORS = "arkonis.dev/agent=writer";

beforeAll(async () => {
  feature = await openFeature("patience");
  const limits = { maxConcurrentTasks: 1, maxTokensPerCall: 1000, timeoutSeconds: 600, retries: 0, maxTurns: 5 };
  await feature.agent("writer", { replicas: 2, limits });
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
  door = await feature.webhook("greet", { targets: [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }] });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

const isLeaving = ({ metadata }: Watched): boolean => metadata.deletionTimestamp !== undefined;

test("E24: of two busy executors one is scaled away; whichever it is, the long step ends in its first attempt", async () => {
  const pods = `/api/v1/namespaces/${feature.namespace}/pods`;
  const fires = await Promise.all(["short", "long"].map((name) => door.fire({ ask: `hold:${name} say:${name} one` })));
  const [short, long] = fires.map(({ body }) => (body["runs"] as [string])[0]);
  await Promise.all([askedFor("hold:short", 1), askedFor("hold:long", 1)]);
  await release("short");
  await feature.run(short ?? "");
  await untilAll(pods, EXECUTORS, (all) => all.length < 2 || all.some(isLeaving));
  await release("long");
  expect((await feature.run(long ?? "")).status).toMatchObject({
    phase: "Succeeded",
    output: "long one",
    steps: [{ attempts: 1 }],
  });
  expect(await askedFor("hold:long")).toHaveLength(1);
  await asleep(feature.namespace);
});
