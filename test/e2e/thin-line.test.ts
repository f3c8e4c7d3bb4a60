/** Feature: an event starts a run on a cluster where nothing of Ark's functions is running. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { watchObjects } from "#platform/kube/watch.ts";
import { asleep, conditionOf, kube, kubectl, type Watched } from "./harness/cluster.ts";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor } from "./harness/model.ts";
import { SYSTEM } from "./harness/names.ts";

describe("from zero to a finished run, and back", () => {
  let feature: Feature;
  let door: Door;

  beforeAll(async () => {
    feature = await openFeature("thin-line");
    await feature.agent("writer");
    await feature.team("blog", "writer", ["say:draft of {{ .input.topic }}", "say:edited twice"]);
    const targets = [{ team: "blog", input: { topic: "{{ .trigger.body.topic }}" } }];
    door = await feature.webhook("greet", { targets });
    await asleep(SYSTEM, feature.namespace);
  });
  afterAll(() => feature?.[Symbol.asyncDispose]());

  test("one webhook event gives one finished run, printed by kubectl, and every function sleeps again", async () => {
    await using pods = watchPods(feature.namespace);
    const fired = await door.fire({ topic: "thin owls" });
    expect(fired).toMatchObject({ status: 202, body: { fired: true, trigger: "greet", targets: 1 } });
    const [name] = fired.body["runs"] as [string];
    const run = await feature.run(name);
    expect(run.status).toMatchObject({
      phase: "Succeeded",
      output: "edited twice",
      steps: [
        { name: "step-0", phase: "Succeeded", output: "draft of thin owls", attempts: 1 },
        { name: "step-1", phase: "Succeeded", output: "edited twice", attempts: 1 },
      ],
    });
    const lines = (await kubectl("get", "arkrun", "-n", feature.namespace)).trim().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]?.split(/\s+/)).toEqual(["NAME", "TEAM", "PHASE", "TOKENS", "STARTED", "AGE"]);
    expect(lines[1]?.split(/\s+/).slice(0, 4)).toEqual([name, "blog", "Succeeded", "30"]);
    expect(await askedFor("thin owls")).toHaveLength(1);
    // W4: the agent woke beside the functions that came to its task, not after them.
    expect(pods.order()).toEqual(["executor made", "dispatcher ready"]);
    await asleep(SYSTEM, feature.namespace);
  });
});

/** Which came first: the first pod of the agent, or a dispatcher that can work. */
function watchPods(namespace: string) {
  const stop = new AbortController();
  const moments = new Set<string>();
  const watch = async (where: string, service: string, moment: string, is: (pod: Watched) => boolean) => {
    const labelSelector = `serving.knative.dev/service=${service}`;
    const path = `/api/v1/namespaces/${where}/pods`;
    for await (const { object } of watchObjects<Watched>(kube(), path, { labelSelector, signal: stop.signal }))
      if (is(object)) moments.add(moment);
  };
  const isReady = (pod: Watched) => conditionOf(pod, "Ready")?.status === "True";
  const watching = [
    watch(namespace, "writer-agent", "executor made", () => true),
    watch(SYSTEM, "ark-dispatcher", "dispatcher ready", isReady),
  ];
  return {
    order: () => [...moments],
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(watching);
    },
  };
}
