import { expect, test } from "vitest";
import { Lived, teamSpec } from "./testing.ts";

const chain = teamSpec({
  input: { topic: "moss" },
  pipeline: [
    { role: "a", inputs: { prompt: "{{ .input.topic }}" } },
    { role: "b", dependsOn: ["a"], inputs: { facts: "{{ .steps.a.output }}", tone: "dry" } },
    { role: "c", dependsOn: ["b"], inputs: { prompt: "{{ .steps.b.output }}" } },
  ],
});

test("a chain runs step by step, each started by the end of the one before (D11)", () => {
  const run = new Lived(chain);
  expect(run.of("task").map(({ id, agent, task }) => [id, agent, task.prompt])).toEqual([
    ["uid-1/a/0/0", "team-a", "moss"],
  ]);
  run.finish("a", "green", 3);
  expect(run.task("b").task.prompt).toBe(
    'facts: <ark:step-output name="a"><content>green</content></ark:step-output>\ntone: dry',
  );
  run.finish("b", "dull", 4);
  run.finish("c", "the end", 5);
  expect(run.end()).toBe("succeeded");
  expect(run.status()).toMatchObject({ phase: "Succeeded", output: "the end", totalTokenUsage: { totalTokens: 12 } });
  expect(run.of("emit").map(({ type }) => type)).toEqual(["dev.ark.run.started", "dev.ark.run.succeeded"]);
});
