import { expect, test } from "vitest";
import { type ArkAgent, ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { readCorpus, readExceptions } from "../../test/harness/crd-corpus.ts";
import { agentFaults, teamFaults } from "./spec-faults.ts";

const samples = await readCorpus();
const accepted = [...(await readExceptions()).values()].filter(({ server }) => server === "accepts");
const passed = accepted.flatMap(({ file }) => samples.find((sample) => sample.file === file) ?? []);
const ofKind = (kind: string) => passed.filter(({ file }) => file.startsWith(`${kind}/`));

const TEAM_REASONS = ["InvalidDAG", "InvalidTemplate", "InvalidSchema", "DuplicateStep", "NameTooLong"];

test.each(ofKind("ark-team"))(
  "api 2: $file, which an API server takes, is not Ready",
  async ({ doc, expect: place }) => {
    const [first, ...more] = await teamFaults(doc as unknown as ArkTeam);
    expect([first?.path, more]).toEqual([place, []]);
    expect(TEAM_REASONS).toContain(first?.reason);
  },
);

test.each(ofKind("ark-agent"))(
  "api 3: $file, which an API server takes, is not Ready",
  async ({ doc, expect: place }) => {
    expect(await agentFaults(doc as unknown as ArkAgent)).toMatchObject([{ path: place, reason: "InvalidSpec" }]);
  },
);

test("api 2: what does not compile is InvalidSchema, what the graph says keeps its reason", async () => {
  const team = (step: object): ArkTeam =>
    ({
      apiVersion: "arkonis.dev/v1alpha1",
      kind: "ArkTeam",
      metadata: { name: "a", namespace: "ai", uid: "u", managedFields: [] },
      spec: { roles: [{ name: "write", model: "mock", systemPrompt: "x" }], pipeline: [{ role: "write", ...step }] },
      status: { phase: "of an earlier version" },
    }) as unknown as ArkTeam;
  expect(await teamFaults(team({}))).toEqual([]);
  const reasons = async (step: object) => (await teamFaults(team(step))).map(({ path, reason }) => [path, reason]);
  expect(await reasons({ validate: { contains: "(" } })).toEqual([
    ["spec.pipeline[0].validate.contains", "InvalidSchema"],
  ]);
  expect(await reasons({ inputs: { prompt: "{{ .input.a" } })).toEqual([
    ["spec.pipeline[0].inputs.prompt", "InvalidTemplate"],
  ]);
});

test("api 3: an agent that works has no faults, whatever its status says", async () => {
  const agent = ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai", generation: 1 },
    spec: { model: "mock", systemPrompt: "x" },
  });
  const status = { phase: "of an earlier version" } as unknown as NonNullable<ArkAgent["status"]>;
  expect(await agentFaults({ ...agent, status })).toEqual([]);
});
