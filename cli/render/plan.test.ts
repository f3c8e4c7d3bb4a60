import { expect, it } from "vitest";
import { ArkTeamSchema } from "#core/api/v1alpha1/ark-team.ts";
import { planTeam } from "#core/pipeline/plan.ts";
import { planText, runPlan } from "./plan.ts";
import { PLAIN } from "./style.ts";

const { spec } = ArkTeamSchema.parse({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkTeam",
  metadata: { name: "blog" },
  spec: {
    roles: [
      { name: "research", model: "gpt-4o-mini", systemPrompt: "x".repeat(40) },
      { name: "facts", arkTeam: "finders" },
      { name: "write", arkAgent: "house-writer" },
    ],
    pipeline: [
      { role: "research", inputs: { prompt: "About {{ .input.topic }}." }, retry: { limit: 2 } },
      { role: "facts" },
      {
        role: "write",
        dependsOn: ["research", "facts"],
        inputs: { facts: "{{ .steps.research.output }}", tone: "{{ .input.tone }}" },
        if: "{{ .steps.research.output }}",
        outputSchema: { type: "object" },
        loop: { condition: "{{ false }}", maxIterations: 3 },
      },
    ],
  },
});

function planned() {
  const outcome = planTeam("blog", spec);
  if (outcome.kind === "faults") throw new Error(JSON.stringify(outcome.faults));
  return runPlan({ spec, graph: outcome.graph, input: { topic: "owls", tone: "warm" } });
}

it("puts the run's input into prompts, and leaves what other steps will say as its template", () => {
  const { steps } = planned();
  expect(steps.map((step) => [step.name, step.stage, step.runs])).toEqual([
    ["research", 1, "agent blog-research, model gpt-4o-mini"],
    ["facts", 1, "team finders"],
    ["write", 2, "agent house-writer"],
  ]);
  expect(steps.map((step) => step.prompt)).toEqual([
    "About owls.",
    "topic: owls\ntone: warm",
    "facts: {{ .steps.research.output }}\ntone: warm",
  ]);
});

it("estimates tokens from prompt and system prompt", () => {
  const { steps, promptTokens } = planned();
  expect(steps[0]?.promptTokens).toBe(Math.ceil(("About owls.".length + 40) / 4));
  expect(promptTokens).toBe(steps.reduce((sum, step) => sum + step.promptTokens, 0));
});

it("tells conditions, loops, checks and retries", () => {
  const text = planText("blog", planned(), PLAIN);
  expect(text).toContain("blog: 3 steps in 2 stages");
  expect(text).toContain("2. write  agent house-writer  after research, facts");
  expect(text).toContain("if {{ .steps.research.output }}");
  expect(text).toContain("repeats while {{ false }}, at most 3 times more");
  expect(text).toContain("answers in JSON, checked");
  expect(text).toContain("retried up to 2 times");
});
