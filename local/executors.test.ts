import { expect, test } from "vitest";
import type { ResolveOutcome } from "#core/agent/resolve.ts";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import type { TaskQueue } from "#core/ports/record.ts";
import { Executors, type ExecutorsDeps } from "./executors.ts";

const agent = ArkAgentSchema.parse({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkAgent",
  metadata: { name: "poet", namespace: "default" },
  spec: { model: "mock", systemPrompt: "You write." },
});
const resolution = {
  kind: "resolved",
  agent: { namespace: "default", name: "poet", limits: { maxConcurrentTasks: 1 } },
} as ResolveOutcome;
const world = new Map([["default/poet", { agent, resolution }]]);

test("J3: a late pass over the objects starts no pool after the stop", async () => {
  let pulls = 0;
  const next: TaskQueue["next"] = (_of, _expiresMs, signal) => {
    pulls += 1;
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
  };
  const deps = { tasks: { next }, now: () => 0, random: () => 0 } as unknown as ExecutorsDeps;
  const executors = new Executors(deps, new AbortController().signal);
  executors.use(world);
  await expect.poll(() => pulls).toBe(1);
  await executors.stop();
  executors.use(world);
  await executors.stop();
  expect(pulls).toBe(1);
});

test("J1: a pool is as large as the instances that replicas and autoscaling let the agent have", async () => {
  const next: TaskQueue["next"] = (_of, _expiresMs, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
  const deps = { tasks: { next }, instance: "me", now: () => 0, random: () => 0 } as unknown as ExecutorsDeps;
  const executors = new Executors(deps, new AbortController().signal);
  const sizeOf = async (spec: object) => {
    const sized = ArkAgentSchema.parse({ ...agent, spec: { ...agent.spec, ...spec } });
    executors.use(new Map([["default/poet", { agent: sized, resolution }]]));
    const [instance] = await executors.list({ namespace: "default", agent: "poet" });
    return instance?.max;
  };
  const limits = { maxConcurrentTasks: 2 };
  expect(await sizeOf({ limits })).toBe(2);
  expect(await sizeOf({ limits, replicas: 4 })).toBe(8);
  expect(await sizeOf({ limits, replicas: 4, autoscaling: { maxReplicas: 3 } })).toBe(6);
  expect(await sizeOf({ limits, replicas: 0, autoscaling: { maxReplicas: 3 } })).toBeUndefined();
  await executors.stop();
});
