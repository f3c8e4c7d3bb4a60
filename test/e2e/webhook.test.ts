/** Feature: what a caller of a webhook gets, on a cluster. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFeature, type Door, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";
import { PLANTED_KEY, SYSTEM } from "./harness/names.ts";
import { kubectl } from "./harness/cluster.ts";

let feature: Feature;
let door: Door;

beforeAll(async () => {
  feature = await openFeature("webhook");
  await feature.agent("writer");
  await feature.team("blog", "writer", ["{{ .input.ask }}"]);
  await feature.team("second", "writer", ["say:second of {{ .input.ask }}"]);
  const targets = [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }];
  door = await feature.webhook("greet", { targets });
});
afterAll(() => feature?.[Symbol.asyncDispose]());

describe("a synchronous caller", () => {
  test("gets the run's output with its cost", async () => {
    const fired = await door.fire({ ask: "say:at once" }, { query: "?mode=sync&timeout=120s" });
    expect(fired).toMatchObject({
      status: 200,
      body: { status: "succeeded", output: "at once", tokenUsage: { totalTokens: 15 } },
    });
    const run = await feature.run(String(fired.body["runName"]));
    expect(run.status).toMatchObject({ phase: "Succeeded", output: "at once" });
  });

  test("gets 504 with the run's name when its patience ends first; the run goes on", async () => {
    const fired = await door.fire({ ask: "hold:slow-one say:late" }, { query: "?mode=sync&timeout=1s" });
    expect(fired).toMatchObject({ status: 504, body: { code: "timeout" } });
    const name = String(fired.body["runName"]);
    await feature.run(name, ({ status }) => status?.phase === "Running");
    await release("slow-one");
    expect((await feature.run(name)).status).toMatchObject({ phase: "Succeeded", output: "late" });
    expect(await askedFor("hold:slow-one")).toHaveLength(1);
  });
});

describe("whoever may not", () => {
  test("a wrong token, no such event: 401 alike, and nothing starts", async () => {
    const before = await feature.runs(() => true);
    const wrong = await door.fire({ ask: "say:never" }, { token: "0".repeat(64) });
    const nowhere = await fetch(door.url.replace(/greet$/, "nobody"), {
      method: "POST",
      headers: { authorization: `Bearer ${door.token}` },
      signal: AbortSignal.timeout(60_000),
    });
    expect(wrong.status).toBe(401);
    expect(nowhere.status).toBe(401);
    const { instance: _wrong, ...told } = wrong.body;
    const { instance: _nowhere, ...same } = (await nowhere.json()) as Record<string, unknown>;
    expect(same).toEqual(told);
    expect(await feature.runs(() => true)).toHaveLength(before.length);
    expect(await askedFor("say:never")).toHaveLength(0);
  });
});

describe("several targets", () => {
  test("one fire starts one run for each, and the answer names them all", async () => {
    const targets = [
      { team: "blog", input: { ask: "say:first" } },
      { team: "second", input: { ask: "{{ .trigger.body.ask }}" } },
    ];
    const both = await feature.webhook("both", { targets });
    const fired = await both.fire({ ask: "many" });
    expect(fired).toMatchObject({ status: 202, body: { targets: 2 } });
    const names = fired.body["runs"] as string[];
    const outputs = await Promise.all(names.map(async (name) => (await feature.run(name)).status?.output));
    expect(outputs).toEqual(["first", "second of many"]);
  });

  test("P1: the same Idempotency-Key gives the same run, however often it is sent", async () => {
    const headers = { "idempotency-key": "order-66" };
    const fires = await Promise.all([1, 2, 3, 4].map(() => door.fire({ ask: "say:only once" }, { headers })));
    const names = new Set(fires.map(({ body }) => String(body["runs"])));
    expect(names.size).toBe(1);
    await feature.run([...names][0] ?? "");
    expect(await askedFor("say:only once")).toHaveLength(1);
  });
});

test("P7: the agents' key stands in no log of any function", async () => {
  const logs = await Promise.all(
    [SYSTEM, feature.namespace].map((namespace) =>
      kubectl("logs", "-n", namespace, "-l", "serving.knative.dev/service", "--all-containers", "--tail=-1"),
    ),
  );
  expect(logs.join("")).not.toContain(PLANTED_KEY);
});
