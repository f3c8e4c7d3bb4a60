import { expect, test } from "vitest";
import { type ArkAgent, ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { agentStatus, type AgentWorld } from "./agent.ts";

const now = Date.parse("2026-11-21T10:00:30Z");
const world: AgentWorld = { ready: 1, desired: 3, pendingTasks: 11, now };

function agent(spec: object, status?: object): ArkAgent {
  return ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai", generation: 1 },
    spec: { model: "mock", systemPrompt: "x", ...spec },
    ...(status !== undefined && { status }),
  });
}

const types = (status: ReturnType<typeof agentStatus>) => status.conditions?.map(({ type }) => type);

test("api 3: a status says nothing of a limit and a probe that the spec has no more", () => {
  const livenessProbe = { validatorPrompt: "Are you well?" };
  const used = { inputTokens: 8, outputTokens: 4 };
  const told = { ...world, used, probed: { healthy: false, at: now } };
  const before = agentStatus(agent({ limits: { maxDailyTokens: 10 }, livenessProbe }), told);
  expect(types(before)).toEqual(["Ready", "BudgetExceeded", "Healthy"]);
  expect(before).toMatchObject({ lastProbe: { healthy: false }, readyReplicas: 0 });

  const after = agentStatus(agent({}, before), { ...world, used });
  expect(types(after)).toEqual(["Ready"]);
  expect(after).not.toHaveProperty("lastProbe");
  expect(after).toMatchObject({ readyReplicas: 1, dailyTokenUsage: { totalTokens: 12 } });
});

test("api 3: BudgetExceeded holds from the limit on, and names both numbers", () => {
  const limited = agent({ limits: { maxDailyTokens: 12 } });
  const at = (outputTokens: number) =>
    agentStatus(limited, { ...world, used: { inputTokens: 8, outputTokens } }).conditions?.find(
      ({ type }) => type === "BudgetExceeded",
    );
  expect(at(3)).toMatchObject({ status: "False" });
  expect(at(4)).toMatchObject({
    status: "True",
    reason: "DailyLimitReached",
    message: "12 of 12 tokens in 24 hours",
  });
});

test("api 3: desiredReplicas is what the work calls for, whatever is there", () => {
  expect(agentStatus(agent({}), world)).toMatchObject({ replicas: 1, desiredReplicas: 3, pendingTasks: 11 });
});

test("D29: of its prompt a status shows the digest, the last one known while the prompt is not there", () => {
  const told = agentStatus(agent({}), { ...world, promptHash: "sha256:one" });
  expect(told).toMatchObject({ systemPromptHash: "sha256:one" });
  const unresolved = { reason: "PromptResolutionError", message: "gone" };
  expect(agentStatus(agent({}, told), { ...world, unresolved })).toMatchObject({ systemPromptHash: "sha256:one" });
});

test("api 3, D26: a question without an answer is a ProbeError, and what was said before stays", () => {
  const livenessProbe = { validatorPrompt: "Are you well?" };
  const healthy = (status: ReturnType<typeof agentStatus>) => status.conditions?.find(({ type }) => type === "Healthy");
  const failed = agentStatus(agent({ livenessProbe }), { ...world, probed: { failedAt: now } });
  expect(healthy(failed)).toMatchObject({ status: "False", reason: "ProbeError" });
  expect(failed).not.toHaveProperty("lastProbe");
  expect(failed).toMatchObject({ readyReplicas: 1 });
  const probed = { healthy: true, at: now - 60_000, failedAt: now };
  const later = agentStatus(agent({ livenessProbe }), { ...world, probed });
  expect(healthy(later)).toMatchObject({ status: "False", reason: "ProbeError" });
  expect(later).toMatchObject({ lastProbe: { time: "2026-11-21T09:59:30Z", healthy: true }, readyReplicas: 1 });
  const well = agentStatus(agent({ livenessProbe }, later), { ...world, probed: { healthy: true, at: now } });
  expect(healthy(well)).toMatchObject({ status: "True", reason: "ProbePassed" });
});
