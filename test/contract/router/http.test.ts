/** The router over real HTTP, on a real queue, with a scripted model: HTTP as api 5 says it, A2A by its own client. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ark, endedRun, startArk, until } from "../../harness/ark.ts";

const manifests = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write. }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkService
metadata: { name: writing }
spec:
  selector: { arkAgent: writer }
  ports: [{ protocol: HTTP, port: 8081 }, { protocol: A2A, port: 8082 }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkService
metadata: { name: plain }
spec:
  selector: { arkAgent: writer }
  ports: [{ protocol: HTTP, port: 8083 }]
`;

let ark: Ark;
beforeAll(async () => {
  const rules = [
    { match: "fail", answers: [{ status: 400, message: "no" }] },
    { match: "forever", answers: [{ hang: true as const }] },
    { match: "", answers: [{ text: "Once upon a time.", usage: { inputTokens: 7, outputTokens: 5 } }] },
  ];
  ark = await startArk(manifests, { rules });
});
afterAll(() => ark[Symbol.asyncDispose]());

async function tokenOf(service: string): Promise<string> {
  const { url, token } = ark.local;
  const response = await fetch(`${url}/api/v1/namespaces/default/secrets/${service}-service-token`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { data } = (await response.json()) as { data: { token: string } };
  return Buffer.from(data.token, "base64").toString("utf8");
}

type Init = { readonly path?: string; readonly headers?: Record<string, string>; readonly service?: string };

async function post(body: unknown, { path = "", headers = {}, service = "writing" }: Init = {}): Promise<Response> {
  return fetch(`${ark.local.url}/services/default/${service}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${await tokenOf(service)}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const json = async (response: Response) => (await response.json()) as Record<string, unknown>;

describe("HTTP", () => {
  test.each(["", "/task"])(
    "D42: POST %j answers with output, usage and the task's id, and a run holds them",
    async (path) => {
      const response = await post({ prompt: "Write.", sessionId: "s-1" }, { path });
      const body = await json(response);
      expect([response.status, body]).toMatchObject([
        200,
        {
          status: "succeeded",
          output: "Once upon a time.",
          tokenUsage: { inputTokens: 7, outputTokens: 5, totalTokens: 12 },
          sessionId: "s-1",
        },
      ]);
      const run = await endedRun(ark, String(body["taskID"]));
      expect(run).toMatchObject({
        metadata: { labels: { "arkonis.dev/service": "writing", "arkonis.dev/agent": "writer" } },
        spec: { agent: "writer", prompt: "Write." },
        status: { phase: "Succeeded", totalTokenUsage: { totalTokens: 12 } },
      });
    },
  );

  test("input stands in the prompt, each key under its name", async () => {
    await post({ prompt: "Write about it.", input: { topic: "owls", words: 3 } });
    const asked = ark.model.requests().map(({ body }) => body["messages"] as { role: string; content: unknown }[]);
    const content = "prompt: Write about it.\ntopic: owls\nwords: 3";
    expect(asked.flat()).toContainEqual({ role: "user", content });
  });

  test("?mode=async is 202 with Location, and there is the answer", async () => {
    const response = await post({ prompt: "Write." }, { path: "?mode=async" });
    const { taskID } = await json(response);
    expect(response.status).toBe(202);
    const location = response.headers.get("location");
    expect(location).toBe(`/services/default/writing/tasks/${String(taskID)}`);
    const authorization = `Bearer ${await tokenOf("writing")}`;
    const read = await fetch(`${ark.local.url}${location}?wait=50s`, { headers: { authorization } });
    expect(await json(read)).toMatchObject({ taskID, status: "succeeded", output: "Once upon a time." });
  });

  test("a run that failed is answered with its error", async () => {
    const response = await post({ prompt: "fail" });
    expect([response.status, await json(response)]).toMatchObject([
      200,
      { status: "failed", error: { step: "writer" } },
    ]);
  });

  test("P1: the same key and body are one task, another body is refused", async () => {
    const headers = { "idempotency-key": "k-1" };
    const first = await post({ prompt: "Once." }, { headers });
    const again = await post({ prompt: "Once." }, { headers });
    expect((await json(first))["taskID"]).toBe((await json(again))["taskID"]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await post({ prompt: "Twice." }, { headers })).status).toBe(422);
  });

  const bad: [number, string, string | undefined, unknown, string?][] = [
    [400, "bad-json", undefined, "{"],
    [400, "bad-json", undefined, "[]"],
    [400, "invalid-input", "prompt", {}],
    [400, "invalid-input", "prompt", { prompt: " " }],
    [400, "invalid-input", "prompt", { prompt: 3 }],
    [400, "invalid-input", "input", { prompt: "x", input: [] }],
    [400, "invalid-input", "sessionId", { prompt: "x", sessionId: "" }],
    [400, "invalid-input", "promt", { promt: "x", prompt: "y" }],
    [400, "bad-mode", "mode", { prompt: "x" }, "?mode=later"],
    [400, "bad-timeout", "timeout", { prompt: "x" }, "?timeout=0s"],
    [413, "too-large", undefined, { prompt: "x".repeat(1_100_000) }],
  ];
  test.each(bad)("P10: %d %s %s, and nothing is taken", async (status, code, field, body, path = "") => {
    const before = (await ark.runs()).length;
    const response = await post(body, { path });
    const problem = await json(response);
    expect([response.status, problem["code"], problem["field"]]).toEqual([status, code, field]);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await ark.runs()).toHaveLength(before);
  });

  test("D38: a wrong token, another service's token and an unknown service answer alike", async () => {
    const other = `Bearer ${await tokenOf("plain")}`;
    const answers = [
      await post({ prompt: "x" }, { headers: { authorization: "Bearer wrong" } }),
      await post({ prompt: "x" }, { headers: { authorization: other } }),
      await fetch(`${ark.local.url}/services/default/nobody`, { method: "POST", body: "{}" }),
    ];
    for (const answer of answers)
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    const details = await Promise.all(answers.map(async (answer) => (await json(answer))["detail"]));
    expect(new Set(details).size).toBe(1);
  });

  test("a task is read by its own service alone", async () => {
    const { taskID } = await json(await post({ prompt: "Mine." }));
    const authorization = `Bearer ${await tokenOf("plain")}`;
    const url = `${ark.local.url}/services/default/plain/tasks/${String(taskID)}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(404);
  });

  test("504 names the task, which goes on", async () => {
    const response = await post({ prompt: "forever" }, { path: "?timeout=1s" });
    const body = await json(response);
    expect([response.status, body["code"]]).toEqual([504, "timeout"]);
    expect(response.headers.get("location")).toBe(`/services/default/writing/tasks/${String(body["taskID"])}`);
  });
});

test("the status of a service says where it is and who is ready", async () => {
  const status = await until(async () => {
    const service = await ark.local.js.objects.get("ArkService", { namespace: "default", name: "writing" });
    return service?.status?.address === undefined ? undefined : service.status;
  }, "an address");
  expect(status).toMatchObject({
    readyReplicas: 1,
    address: { url: expect.stringMatching(/\/services\/default\/writing$/) as string },
    conditions: [{ type: "Ready", status: "True", reason: "Reconciled" }],
  });
});
