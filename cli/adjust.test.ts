import { expect, it } from "vitest";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { ArkTeamSchema } from "#core/api/v1alpha1/ark-team.ts";
import { adjustment } from "./adjust.ts";

const apiVersion = "arkonis.dev/v1alpha1";
const mcpServers = [{ name: "wiki", url: "http://wiki.test/mcp" }];
const team = ArkTeamSchema.parse({
  apiVersion,
  kind: "ArkTeam",
  metadata: { name: "blog" },
  spec: {
    roles: [
      { name: "write", model: "gpt-4o", systemPrompt: "Write.", mcpServers },
      { name: "house", arkAgent: "house" },
    ],
    pipeline: [
      {
        role: "write",
        validate: { semantic: "Is it kind?", semanticModel: "gpt-4o-mini" },
        contextPolicy: {
          strategy: "compress",
          compress: { model: "gpt-4o-mini", targetTokens: 9, prompt: "Shorten." },
        },
      },
      { role: "house", dependsOn: ["write"], validate: { contains: "x" } },
    ],
    maxTokens: 5,
  },
});
const agent = ArkAgentSchema.parse({
  apiVersion,
  kind: "ArkAgent",
  metadata: { name: "house" },
  spec: { model: "gpt-4o", systemPrompt: "Write.", mcpServers },
});

it("takes the manifests as they stand when no flag says otherwise", () => {
  expect(adjustment({ mcp: true }, "blog")).toBeUndefined();
});

it("--model is asked in place of every other: by agents, checks and compressions; references stay", () => {
  const adjust = adjustment({ model: "llama3" }, "blog");
  expect(adjust?.(agent)).toMatchObject({ spec: { model: "llama3", mcpServers } });
  const changed = adjust?.(team);
  expect(JSON.stringify(changed)).not.toContain("gpt-4o");
  expect(changed).toMatchObject({
    spec: { roles: [{ model: "llama3" }, { arkAgent: "house" }], pipeline: [{}, { validate: { contains: "x" } }] },
  });
  expect(changed?.spec).not.toHaveProperty("roles[1].model");
});

it("--max-tokens is the budget of the team that runs, and of no other", () => {
  expect(adjustment({ maxTokens: "700" }, "blog")?.(team)).toMatchObject({ spec: { maxTokens: 700 } });
  expect(adjustment({ maxTokens: "700" }, "other")?.(team)).toMatchObject({ spec: { maxTokens: 5 } });
});

it("--no-mcp leaves MCP servers out", () => {
  const adjust = adjustment({ mcp: false }, "blog");
  expect(JSON.stringify([adjust?.(agent), adjust?.(team)])).not.toContain("wiki");
});

it.each(["0", "-1", "1.5", "many", ""])("--max-tokens %j is bad usage", (maxTokens) => {
  expect(() => adjustment({ maxTokens }, "blog")).toThrow(/--max-tokens is/);
});
