import { expect, test } from "vitest";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { Secrets } from "./secrets.ts";
import { agentEnv, resolveAll } from "./world.ts";

test("api 15: an agent's environment is the process's, the namespace's keys, then its own sources in order", async () => {
  const secrets = await Secrets.open("/nowhere");
  secrets.use({
    configMaps: new Map([["ai/plain", { URL: "http://plain", KEY: "plain" }]]),
    secrets: new Map([
      ["ai/ark-api-keys", { KEY: "of the namespace", OTHER: "of the namespace" }],
      ["ai/mine", { KEY: "mine" }],
      ["default/ark-api-keys", { KEY: "of another namespace" }],
    ]),
  });
  const envFrom = [
    { configMapRef: { name: "plain" } },
    { secretRef: { name: "mine" } },
    { prefix: "MY_", secretRef: { name: "mine" } },
  ];
  const agent = ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai" },
    spec: { model: "mock", systemPrompt: "x", envFrom: [...envFrom, { secretRef: { name: "gone" } }] },
  });
  expect(agentEnv(agent, secrets, { HOME: "/home", OTHER: "of the process" })).toEqual({
    HOME: "/home",
    OTHER: "of the namespace",
    URL: "http://plain",
    KEY: "mine",
    MY_KEY: "mine",
  });
});

test.each(["constructor", "toString"])("D49: a ConfigMap has no key %s unless somebody wrote it", async (key) => {
  const secrets = await Secrets.open("/nowhere");
  secrets.use({ configMaps: new Map([["ai/plain", { URL: "http://plain" }]]), secrets: new Map() });
  const agent = ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai" },
    spec: { model: "mock", systemPromptRef: { configMapKeyRef: { name: "plain", key } } },
  });
  const provider = { kind: "provider", provider: { baseUrl: "http://model" } } as const;
  const agents = resolveAll({ agents: [agent], settings: [] }, secrets, {}, () => provider);
  expect(agents.get("ai/writer")?.resolution).toMatchObject({ reason: "PromptResolutionError" });
});
