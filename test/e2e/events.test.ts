/** Feature: what other Knative parts send starts runs: a CloudEvent to the Broker, a PingSource, another team's end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFeature, type Feature } from "./harness/feature.ts";
import { askedFor } from "./harness/model.ts";
import { BROKER } from "./harness/names.ts";

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
