/** A2A (api 5) as clients speak it: 1.0 by the SDK's own client, 0.3 call by call, over real HTTP. */
import type { Client } from "@a2a-js/sdk/client";
import { type StreamResponse, type Task, TaskState } from "@a2a-js/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { a2aClient, a2aMessage, type Over } from "../../harness/a2a.ts";
import { type Ark, endedRun, startArk } from "../../harness/ark.ts";

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
  ports: [{ protocol: A2A, port: 8082 }]
---
apiVersion: v1
kind: Secret
metadata: { name: writing-service-token }
stringData: { token: a-token-of-our-own }
`;
const authorization = "Bearer a-token-of-our-own";

let ark: Ark;
let base: string;
let client: Client;
beforeAll(async () => {
  const rules = [
    { match: "forever", answers: [{ hang: true as const }] },
    { match: "fail", answers: [{ status: 400, message: "no" }] },
    { match: "", answers: [{ text: "Once upon a time.", usage: { inputTokens: 7, outputTokens: 5 } }] },
  ];
  ark = await startArk(manifests, { rules });
  base = `${ark.local.url}/services/default/writing`;
  client = await a2aClient(`${base}/`, authorization);
});
afterAll(() => ark[Symbol.asyncDispose]());

async function send(text: string, over?: Over): Promise<Task> {
  const answer = await client.sendMessage(a2aMessage(text, over));
  if (!("id" in answer)) throw new Error("a message, not a task");
  return answer;
}

const outputOf = ({ artifacts }: Task) => artifacts.flatMap(({ parts }) => parts.map(({ content }) => content?.value));

describe("1.0, by the SDK's client", () => {
  test("a message is a task with the answer, and a run", async () => {
    const task = await send("Write.");
    expect(task).toMatchObject({ contextId: "conversation-1", status: { state: TaskState.TASK_STATE_COMPLETED } });
    expect(outputOf(task)).toEqual(["Once upon a time."]);
    expect(task.metadata).toEqual({ tokenUsage: { inputTokens: 7, outputTokens: 5, totalTokens: 12 } });
    const run = await endedRun(ark, task.id);
    expect(run).toMatchObject({ spec: { agent: "writer", prompt: "Write." }, status: { phase: "Succeeded" } });
    const again = await client.getTask({ tenant: "", id: task.id });
    expect(outputOf(again)).toEqual(["Once upon a time."]);
  });

  test("a stream tells every state, then the result, then the end", async () => {
    const seen: StreamResponse[] = [];
    for await (const event of client.sendMessageStream(a2aMessage("Write on."))) seen.push(event);
    const kinds = seen.map(({ payload }) => payload?.$case);
    expect(kinds[0]).toBe("task");
    expect(kinds.slice(-2)).toEqual(["artifactUpdate", "statusUpdate"]);
    const last = seen.at(-1)?.payload;
    expect(last).toMatchObject({ $case: "statusUpdate", value: { status: { state: TaskState.TASK_STATE_COMPLETED } } });
  });

  test("P1: a message that is sent again is the same task", async () => {
    const first = await send("Only once.", { messageId: "same" });
    const again = await send("Only once.", { messageId: "same" });
    expect(again.id).toBe(first.id);
    await expect(send("Another text.", { messageId: "same" })).rejects.toThrow(/messageId/);
  });

  test("a client that does not wait gets the task, may cancel it once, and reads its end", async () => {
    const task = await send("Write forever.", { immediately: true });
    expect(task.status?.state).toBe(TaskState.TASK_STATE_SUBMITTED);
    const cancelled = await client.cancelTask({ tenant: "", id: task.id, metadata: undefined });
    expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    await expect(client.cancelTask({ tenant: "", id: task.id, metadata: undefined })).rejects.toThrow(/ended/);
    const states: (TaskState | undefined)[] = [];
    for await (const { payload } of client.resubscribeTask({ tenant: "", id: task.id }))
      if (payload?.$case === "task" || payload?.$case === "statusUpdate") states.push(payload.value.status?.state);
    expect(states.at(-1)).toBe(TaskState.TASK_STATE_CANCELED);
  });

  test("a run that failed is a failed task with the reason", async () => {
    const task = await send("fail");
    expect(task.status?.state).toBe(TaskState.TASK_STATE_FAILED);
    expect(task.status?.message?.parts[0]?.content?.value).toContain("no");
  });

  test("P10: an unknown task, and a message without text", async () => {
    await expect(client.getTask({ tenant: "", id: "nobody" })).rejects.toThrow(/nobody/);
    await expect(send(" ")).rejects.toThrow(/text/);
  });
});

async function rpc(method: string, params: unknown, token = authorization): Promise<Response> {
  return fetch(base, {
    method: "POST",
    headers: { authorization: token, "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
}

const said = (text: string, messageId: string) => ({
  message: { kind: "message", messageId, role: "user", parts: [{ kind: "text", text }] },
});

describe("0.3, call by call", () => {
  type Answer = { readonly result: Record<string, unknown>; readonly error?: { code: number } };
  const call = async (method: string, params: unknown) => (await (await rpc(method, params)).json()) as Answer;

  test("message/send, tasks/get, tasks/cancel", async () => {
    const { result } = await call("message/send", said("Write.", "old-1"));
    expect(result).toMatchObject({
      kind: "task",
      status: { state: "completed" },
      artifacts: [{ parts: [{ kind: "text", text: "Once upon a time." }] }],
    });
    expect(await call("tasks/get", { id: result["id"] })).toMatchObject({ result: { id: result["id"] } });
    expect(await call("tasks/cancel", { id: result["id"] })).toMatchObject({ error: { code: -32002 } });
    expect(await call("tasks/get", { id: "nobody" })).toMatchObject({ error: { code: -32001 } });
    expect(await call("tasks/dance", {})).toMatchObject({ error: { code: -32601 } });
  });

  test("message/stream", async () => {
    const response = await rpc("message/stream", said("Write on.", "old-2"));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events = (await response.text())
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice("data: ".length)) as Answer);
    expect(events[0]?.result).toMatchObject({ kind: "task" });
    expect(events.at(-1)?.result).toMatchObject({ kind: "status-update", final: true, status: { state: "completed" } });
  });

  test("the card of either version names the address, for whoever asks", async () => {
    const read = async (headers: Record<string, string>) =>
      (await fetch(`${base}/.well-known/agent-card.json`, { headers })).json();
    expect(await read({})).toMatchObject({
      name: "writer",
      url: `${base}/`,
      preferredTransport: "JSONRPC",
      capabilities: { streaming: true },
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
    });
    expect(await read({ "a2a-version": "1.0" })).toMatchObject({
      supportedInterfaces: [{ url: `${base}/`, protocolBinding: "JSONRPC", protocolVersion: "1.0" }, {}],
    });
  });

  test("D38: no call without the token; and a port that is not declared is not there", async () => {
    expect((await rpc("message/send", said("x", "old-3"), "Bearer wrong")).status).toBe(401);
    const plain = await fetch(base, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: '{"prompt":"x"}',
    });
    expect(plain.status).toBe(404);
  });
});
