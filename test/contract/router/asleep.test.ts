/** A service whose agent sleeps: a task wakes it and waits, else it is withdrawn (api 5). */
import { expect, test } from "vitest";
import { endedRun, startArk } from "../../harness/ark.ts";
import { startRouter } from "../../harness/router.ts";

const agent = (replicas: number) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write., replicas: ${replicas} }
`;

test("nobody becomes ready: 503 with Retry-After, and the task is withdrawn, so that nobody pays for it later", async () => {
  await using ark = await startArk(agent(0));
  await using router = await startRouter(ark.local.js, "writer", { wakeMs: 2_000 });
  const response = await router.post("round-robin", { prompt: "Write." });
  const problem = (await response.json()) as { code: string; taskID: string };
  expect([response.status, problem.code]).toEqual([503, "not-ready"]);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  const run = await endedRun(ark, problem.taskID);
  expect(run.status?.conditions).toContainEqual(expect.objectContaining({ status: "False", reason: "Cancelled" }));
  await ark.write({ "ark.yaml": agent(1) });
  await ark.local.reload();
  expect((await router.post("round-robin", { prompt: "Write again." })).status).toBe(200);
  expect(ark.model.requests()).toHaveLength(1);
});

test("somebody wakes while the task waits: it is answered, and the pool had been hinted at", async () => {
  await using ark = await startArk(agent(0));
  const { js } = ark.local;
  const hinted = new AbortController();
  const hints = (async () => {
    for await (const hint of js.wakes.watch(hinted.signal)) if (hint.agent === "writer") return hint;
    return undefined;
  })();
  await using router = await startRouter(js, "writer", { wakeMs: 50_000 });
  const answering = router.post("least-busy", { prompt: "Write." });
  expect(await hints).toEqual({ namespace: "default", agent: "writer" });
  hinted.abort();
  await ark.write({ "ark.yaml": agent(1) });
  await ark.local.reload();
  const response = await answering;
  expect([response.status, await response.json()]).toMatchObject([200, { status: "succeeded" }]);
});
