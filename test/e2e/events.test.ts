/** Feature: what other Knative parts send starts runs: a CloudEvent to the Broker, a PingSource, another team's end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { apply, kubectl } from "./harness/cluster.ts";
import { openFeature, type Feature } from "./harness/feature.ts";
import { askedFor } from "./harness/model.ts";
import { BROKER, SYSTEM } from "./harness/names.ts";

let feature: Feature;

beforeAll(async () => {
  feature = await openFeature("events");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
  await feature.team("chained", "writer", ["say:after {{ .input.ask }}"]);
});
afterAll(() => feature?.[Symbol.asyncDispose]());

function post(headers: Record<string, string>, data: unknown): Promise<Response> {
  return fetch(BROKER, {
    method: "POST",
    headers: { "ce-specversion": "1.0", "content-type": "application/json", ...headers },
    body: JSON.stringify(data),
    signal: AbortSignal.timeout(60_000),
  });
}

test("a foreign CloudEvent on the Broker fires the event whose filters it passes, once per source and id", async () => {
  await feature.event("orders", {
    source: { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "com.example.order" } }] } },
    targets: [{ team: "blog", input: { ask: "say:order {{ .trigger.body.number }}" } }],
  });
  const order = { "ce-id": "1", "ce-source": "/shop", "ce-type": "com.example.order" };
  expect((await post(order, { number: 7 })).status).toBe(202);
  expect((await post(order, { number: 7 })).status).toBe(202);
  expect((await post({ ...order, "ce-source": "/other-shop" }, { number: 8 })).status).toBe(202);
  expect((await post({ ...order, "ce-type": "com.example.other" }, { number: 9 })).status).toBe(202);
  const runs = await feature.runs(
    (all) => all.length === 2 && all.every(({ status }) => status?.phase === "Succeeded"),
  );
  expect(new Set(runs.map(({ status }) => status?.output))).toEqual(new Set(["order 7", "order 8"]));
  expect(await askedFor("say:order 7")).toHaveLength(1);
  expect(await askedFor("say:order 9")).toHaveLength(0);
});

test("the end of one team starts the next with its output", async () => {
  await feature.event("after-blog", {
    source: { type: "team-output", teamOutput: { name: "blog" } },
    targets: [{ team: "chained", input: { ask: "{{ .trigger.output }}" } }],
  });
  const door = await feature.webhook("begin", { targets: [{ team: "blog", input: { ask: "say:the blog" } }] });
  expect((await door.fire({})).status).toBe(202);
  const runs = await feature.runs((all) =>
    all.some(({ spec, status }) => spec.teamRef === "chained" && status?.phase === "Succeeded"),
  );
  const chained = runs.filter(({ spec }) => spec.teamRef === "chained");
  expect(chained.map(({ status }) => status?.output)).toEqual(["after the blog"]);
});

test("cron: a PingSource fires at its minute", { timeout: 300_000 }, async () => {
  await feature.team("ticking", "writer", ["say:tick of {{ .input.when }}"]);
  await feature.event("every-minute", {
    source: { type: "cron", cron: "* * * * *" },
    targets: [{ team: "ticking", input: { when: "cron" } }],
  });
  const runs = await feature.runs((all) =>
    all.some(({ spec, status }) => spec.teamRef === "ticking" && status?.phase === "Succeeded"),
  );
  expect(runs.find(({ spec }) => spec.teamRef === "ticking")?.status?.output).toBe("tick of cron");
});

test(
  "a team is Addressable: a PingSource and a Trigger that name it as their sink start it",
  { timeout: 300_000 },
  async () => {
    const { namespace } = feature;
    const ref = { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkTeam", name: "called", namespace };
    await feature.team("called", "writer", ["say:called about {{ .input.ask }}"], { input: { ask: "nothing" } });
    const filters = [{ exact: { type: "com.example.call" } }];
    await apply(
      {
        apiVersion: "sources.knative.dev/v1",
        kind: "PingSource",
        metadata: { name: "caller", namespace },
        spec: { schedule: "* * * * *", contentType: "application/json", data: '{"ask": "the hour"}', sink: { ref } },
      },
      {
        apiVersion: "eventing.knative.dev/v1",
        kind: "Trigger",
        metadata: { name: `caller-${namespace}`, namespace: SYSTEM },
        spec: { broker: "default", filters, subscriber: { ref } },
      },
    );
    try {
      await kubectl("wait", "--for=condition=Ready", "--timeout=120s", `trigger/caller-${namespace}`, "-n", SYSTEM);
      const call = { "ce-id": "call-1", "ce-source": "/phone", "ce-type": "com.example.call" };
      const outputs = async () => (await feature.runs(() => true)).map(({ status }) => status?.output);
      // Ready is said before every part of the Broker knows the Trigger, and what comes before that is gone: it is sent
      // until it has arrived, which starts one run all the same (P1).
      const sent = async () => {
        expect((await post(call, { ask: "the news" })).status).toBe(202);
        return outputs();
      };
      await expect.poll(sent, { timeout: 120_000, interval: 5_000 }).toContain("called about the news");
      await expect.poll(outputs, { timeout: 120_000, interval: 1_000 }).toContain("called about the hour");
    } finally {
      await kubectl("delete", "pingsource/caller", "-n", namespace);
      await kubectl("delete", `trigger/caller-${namespace}`, "-n", SYSTEM);
    }
    expect(await askedFor("called about the news")).toHaveLength(1);
  },
);

test("the events of runs stand in the catalogue of the Broker", async () => {
  const types = await kubectl("get", "eventtypes", "-n", SYSTEM, "-o", "jsonpath={.items[*].spec.attributes[*].value}");
  const succeeded = "dev.ark.run.succeeded";
  expect(types.split(/\s+/)).toEqual(expect.arrayContaining(["dev.ark.run.started", succeeded, "dev.ark.run.failed"]));
});
