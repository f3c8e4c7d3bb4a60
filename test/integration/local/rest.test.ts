/** The objects' own door: what may not be, changes nothing and says where (P5, P10). */
import { expect, test } from "vitest";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { type Ark, startArk } from "../../harness/ark.ts";

const YAML = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  input: { topic: owls }
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: "About {{ .input.topic }}" } }]
`;
const RUNS = "namespaces/default/arkruns";
const TEAM = "namespaces/default/arkteams/blog";
type Answer = { readonly status: number; readonly body: Record<string, unknown> };

test("P5: a run's spec and status stand as they are, before, while and after it runs; its annotations may change", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await using ark = await startArk(YAML, () => ({ text: "done", until: held }));
  const made = await ask(ark, "POST", RUNS, { metadata: { name: "by-hand" }, spec: { teamRef: "blog" } });
  expect(made.status).toBe(201);
  await expect.poll(() => ark.model.requests().length, { timeout: 50_000 }).toBe(1);
  const one = `${RUNS}/by-hand`;
  const spec = await specOf(ark, one);
  const tryAll = async () => {
    const changes: readonly object[] = [
      { spec: { teamRef: "other" } },
      { spec: { input: { topic: "bees" } } },
      { spec: { pipeline: [{ role: "write", inputs: { prompt: "another" } }] } },
      { spec: { maxTokens: 1 } },
      { spec: null },
    ];
    for (const change of changes) {
      const { status, body } = await ask(ark, "PATCH", one, change);
      expect({ status, named: String(body["message"]).includes("spec") }).toEqual({ status: 422, named: true });
    }
    const { body } = await ask(ark, "GET", one);
    const put = await ask(ark, "PUT", one, { ...body, spec: { ...(body["spec"] as object), timeoutSeconds: 9 } });
    expect(put.status).toBe(422);
    const noted = await ask(ark, "PATCH", one, {
      metadata: { annotations: { note: "a" } },
      status: { phase: "Failed" },
    });
    expect(noted.status).toBe(200);
    expect(await specOf(ark, one)).toEqual(spec);
  };
  await tryAll();
  release();
  const [run] = await ark.ended(1);
  expect(run?.status).toMatchObject({ phase: "Succeeded", output: "done" });
  await tryAll();
  expect((await ask(ark, "GET", one)).body["status"]).toEqual(run?.status);
  expect(ark.model.requests()).toHaveLength(1);
});

test("P10: unknown fields, wrong values and templates that do not compile are refused with their place; nothing changes", async () => {
  await using ark = await startArk(YAML);
  const before = (await ask(ark, "GET", TEAM)).body;
  const cases: readonly (readonly [object, string])[] = [
    [{ spec: { pipelin: [] } }, "spec.pipelin"],
    [{ spec: { roles: [{ name: "write", model: "mock", systemPrompt: "x", temprature: 1 }] } }, "temprature"],
    [{ spec: { maxTokens: "many" } }, "spec.maxTokens"],
    [{ spec: { pipeline: [{ role: "write", inputs: { prompt: "a\n{{ .input.topic" } }] } }, "line 2, column"],
    [{ spec: { pipeline: [{ role: "write", if: "{{ if }}", inputs: { prompt: "a" } }] } }, "spec.pipeline[0].if"],
    [{ spec: { pipeline: [{ role: "write", dependsOn: ["nobody"] }] } }, "spec.pipeline[0].dependsOn[0]"],
    [{ spec: { output: "{{ .steps.nobody.output }}" } }, "spec.output"],
  ];
  for (const [change, place] of cases) {
    const { status, body } = await ask(ark, "PATCH", TEAM, change);
    expect({ status, message: body["message"] }).toEqual({ status: 422, message: expect.stringContaining(place) });
  }
  const { status } = await ask(ark, "POST", RUNS, { metadata: { name: "odd" }, spec: { teamRef: "blog", extra: 1 } });
  expect(status).toBe(422);
  expect((await ask(ark, "GET", TEAM)).body["spec"]).toEqual(before["spec"]);
  expect(await ark.runs()).toEqual([]);
});

test("D17, D45: a template that fails on its data fails its step, with template, line and column, before any model is asked", async () => {
  const odd = YAML.replace(
    'inputs: { prompt: "About {{ .input.topic }}" }',
    'if: "a\\n{{ index .input.topic 99 }}", inputs: { prompt: go }',
  );
  await using ark = await startArk(odd);
  await ask(ark, "POST", RUNS, { metadata: { name: "odd" }, spec: { teamRef: "blog" } });
  const [run] = await ark.ended(1);
  expect(run?.status?.steps).toMatchObject([
    {
      name: "write",
      phase: "Failed",
      errorCode: "template.failed",
      message: expect.stringMatching(/^if: line 2, column \d+/),
    },
  ]);
  expect(ark.model.requests()).toEqual([]);
});

test("E20: every door asks who: objects, Secrets, facts, outputs, runs, services and the queue itself", async () => {
  await using ark = await startArk(YAML);
  await ask(ark, "POST", RUNS, { metadata: { name: "done" }, spec: { teamRef: "blog" } });
  await ark.ended(1);
  const before = await ark.runs();
  const api = "/apis/arkonis.dev/v1alpha1";
  const doors: readonly (readonly [string, string])[] = [
    ["GET", `${api}/arkruns`],
    ["GET", `${api}/arkruns?watch=true`],
    ["GET", `${api}/${RUNS}/done`],
    ["GET", `${api}/${RUNS}/done/facts?follow=true`],
    ["GET", `${api}/${RUNS}/done/output`],
    ["POST", `${api}/${RUNS}`],
    ["PATCH", `${api}/${TEAM}`],
    ["PUT", `${api}/${TEAM}`],
    ["DELETE", `${api}/${RUNS}/done`],
    ["GET", "/api/v1/namespaces/default/secrets/any"],
    ["GET", "/runs/default/done"],
    ["GET", "/runs/default/done/events"],
    ["POST", "/triggers/default/any"],
    ["POST", "/services/default/any"],
  ];
  for (const [method, at] of doors) {
    for (const authorization of ["", "Bearer wrong", `Basic ${ark.local.token}`]) {
      const response = await fetch(ark.local.url + at, {
        method,
        headers: { authorization },
        signal: AbortSignal.timeout(20_000),
      });
      expect({ method, at, status: response.status }).toEqual({ method, at, status: 401 });
    }
  }
  expect(await ark.runs()).toEqual(before);
  const stranger = openJetStream({ url: ark.local.natsUrl, name: "stranger", signal: AbortSignal.timeout(20_000) });
  await expect(stranger).rejects.toThrow(/authorization/i);
});

async function specOf(ark: Ark, at: string): Promise<unknown> {
  return (await ask(ark, "GET", at)).body["spec"];
}

async function ask({ local }: Ark, method: string, at: string, body?: object): Promise<Answer> {
  const response = await fetch(`${local.url}/apis/arkonis.dev/v1alpha1/${at}`, {
    method,
    headers: { authorization: `Bearer ${local.token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
