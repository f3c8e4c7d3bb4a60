/** What `kubectl describe` tells of a run, on a real API server (api 16). */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Body, fieldOf, type OperatorWorld, POLL, startOperatorWorld } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  world.lead();
});
afterAll(() => world[Symbol.asyncDispose]());

const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";
const RUN = `${ARK}/arkruns/blog-run-1`;

/** What the collector would say. */
async function say(status: object): Promise<void> {
  expect((await world.api.request("PATCH", `${RUN}/status`, { status })).status).toBe(200);
}

async function toldOf(kind: string): Promise<readonly string[]> {
  const { body } = await world.api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events");
  return (body as { items: Body[] }).items
    .filter((one) => fieldOf(one, "regarding", "kind") === kind)
    .map(({ type, reason, note }) => `${String(type)} ${String(reason)}: ${String(note)}`);
}

test("api 16: a run tells its turns and its steps' on itself, and on its team, which says whose a failure is", async () => {
  const roles = [{ name: "write", model: "gpt-4o", systemPrompt: "You write." }];
  const pipeline = [
    { name: "draft", role: "write" },
    { name: "polish", role: "write", dependsOn: ["draft"] },
  ];
  await world.create("ArkTeam", "blog", { roles, pipeline });
  await expect.poll(() => toldOf("ArkTeam"), POLL).toContainEqual(expect.stringContaining("TeamReconciled"));
  await world.create("ArkRun", "blog-run-1", { teamRef: "blog", roles, pipeline, input: {} });
  const hold = () => world.api.request("GET", RUN).then(({ body }) => fieldOf(body, "metadata", "finalizers"));
  await expect.poll(hold, POLL).toBeDefined();
  const polish = { name: "polish", phase: "Pending" };
  await say({ phase: "Running", steps: [{ name: "draft", phase: "WarmingUp", attempts: 1 }, polish] });
  await expect.poll(() => toldOf("ArkRun"), POLL).toContain("Normal RunStarted: the run started");
  const waiting = { name: "draft", phase: "Waiting", attempts: 1, message: "retry 1 after: busy" };
  await say({ steps: [waiting, polish] });
  await expect.poll(() => toldOf("ArkRun"), POLL).toContain("Normal StepWaiting: step draft: retry 1 after: busy");
  await say({ steps: [{ name: "draft", phase: "Running", attempts: 2 }, polish] });
  await expect.poll(() => toldOf("ArkRun"), POLL).toContain("Normal StepRetried: step draft: attempt 2");
  const draft = { name: "draft", phase: "Succeeded", attempts: 2 };
  const failed = { ...polish, phase: "Failed", errorCode: "provider.auth", message: "no key" };
  const outcome = { reason: "StepFailed", message: "step polish failed", status: "False", type: "Succeeded" };
  await say({
    phase: "Failed",
    completionTime: "2026-11-21T10:00:00Z",
    steps: [draft, failed],
    conditions: [{ ...outcome, lastTransitionTime: "2026-11-21T10:00:00Z" }],
  });
  const ends = [
    "Normal StepSucceeded: step draft: succeeded",
    "Warning StepFailed: step polish: provider.auth: no key",
    "Warning RunFailed: StepFailed: step polish failed",
  ];
  await expect.poll(() => toldOf("ArkRun"), POLL).toEqual(expect.arrayContaining(ends));
  await expect
    .poll(() => toldOf("ArkTeam"), POLL)
    .toEqual(
      expect.arrayContaining([
        "Normal RunStarted: the run started",
        "Normal StepSucceeded: step draft: succeeded",
        "Warning StepFailed: blog-run-1: step polish: provider.auth: no key",
        "Warning RunFailed: blog-run-1: StepFailed: step polish failed",
      ]),
    );
});
