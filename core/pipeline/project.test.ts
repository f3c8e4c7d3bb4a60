/** V1: statuses whole, field by field; what leads to them is told in the engine's other tests. */
import { expect, test } from "vitest";
import type { StepOutcome } from "#core/events/facts.ts";
import { fitTexts } from "./status-size.ts";
import { done, Lived, teamSpec } from "./testing.ts";

const second = (n: number) => `1970-01-01T00:00:${String(n).padStart(2, "0")}.000Z`;
const condition = (verdict: object, lastTransitionTime: string) =>
  ["Succeeded", "Ready"].map((type) => ({ type, ...verdict, lastTransitionTime }));

/** The end of the newest attempt of a step, at a second; `input` and one output token. */
function end(run: Lived, step: string, at: number, outcome: StepOutcome | string, input = 1): void {
  run.fold({
    kind: "step.finished",
    at: at * 1000,
    ...run.key(step),
    outcome: typeof outcome === "string" ? done(outcome) : outcome,
    usage: { inputTokens: input, outputTokens: 1 },
  });
}

test("a run that succeeded: loops, refused answers, errors and skips, with their times and tokens", () => {
  const run = new Lived(
    teamSpec({
      pipeline: [
        {
          role: "a",
          loop: { condition: '{{ eq .steps.a.output "more" }}', maxIterations: 3 },
          validate: { onFailure: "retry", maxRetries: 1 },
          retry: { limit: 1 },
        },
        { role: "b", dependsOn: ["a"], outputSchema: { type: "object" } },
        { role: "c", dependsOn: ["a"], if: "{{ .steps.a.data.x }}" },
      ],
      output: "{{ .steps.b.output }}!",
    }),
    { at: 1000, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
  );
  end(run, "a", 2, "more", 10);
  end(run, "a", 3, {
    kind: "invalid",
    code: "output.contains",
    message: "no",
    answer: { inline: "?" },
    retryable: true,
  });
  end(run, "a", 4, { kind: "failed", code: "provider.overloaded", message: "busy", mayPass: true, afterMs: 1000 });
  run.fold({ kind: "timer", at: 5000, timer: "retry-a-1-2" });
  end(run, "a", 6, "enough", 20);
  end(run, "b", 8, done('{"n":1}', { n: 1 }), 5);
  expect(run.status()).toEqual({
    phase: "Succeeded",
    conditions: condition({ status: "True", reason: "Succeeded", message: "3 of 3 steps ended" }, second(8)),
    steps: [
      {
        name: "a",
        phase: "Succeeded",
        taskID: "uid-1/a/1/2",
        output: "enough",
        startTime: second(1),
        completionTime: second(6),
        iterations: 2,
        attempts: 3,
        tokenUsage: { inputTokens: 32, outputTokens: 4, totalTokens: 36 },
        validationAttempts: 1,
        validationMessage: "no",
      },
      {
        name: "b",
        phase: "Succeeded",
        taskID: "uid-1/b/0/0",
        output: '{"n":1}',
        outputJSON: '{"n":1}',
        startTime: second(6),
        completionTime: second(8),
        iterations: 1,
        attempts: 1,
        tokenUsage: { inputTokens: 5, outputTokens: 1, totalTokens: 6 },
      },
      { name: "c", phase: "Skipped", completionTime: second(6), message: "if is false" },
    ],
    output: '{"n":1}!',
    startTime: second(1),
    completionTime: second(8),
    totalTokenUsage: { inputTokens: 37, outputTokens: 5, totalTokens: 42 },
    traceID: "0af7651916cd43dd8448eb211c80319c",
  });
});

test("a run that failed: what was running, waiting and running no more", () => {
  const run = new Lived(
    teamSpec({
      pipeline: [{ role: "a" }, { role: "b" }, { role: "c", retry: { limit: 1 } }, { role: "d", dependsOn: ["a"] }],
    }),
  );
  run.fold({ kind: "step.started", at: 1000, ...run.key("b"), instance: "pod" });
  const tokens = { inputTokens: 2, outputTokens: 3 };
  run.fold({
    kind: "step.turn",
    at: 1500,
    ...run.key("b"),
    turn: 0,
    usage: tokens,
    model: "m",
    record: { inline: "{}" },
  });
  end(run, "c", 2, { kind: "failed", code: "provider.overloaded", message: "busy", mayPass: true, afterMs: 9000 });
  expect(run.status()).toEqual({
    phase: "Running",
    conditions: condition({ status: "Unknown", reason: "Running", message: "0 of 4 steps ended" }, second(0)),
    steps: [
      {
        name: "a",
        phase: "WarmingUp",
        taskID: "uid-1/a/0/0",
        startTime: second(0),
        message: "waiting for agent team-a",
        iterations: 1,
        attempts: 1,
        tokenUsage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
      },
      {
        name: "b",
        phase: "Running",
        taskID: "uid-1/b/0/0",
        startTime: second(0),
        iterations: 1,
        attempts: 1,
        tokenUsage: { ...tokens, totalTokens: 5 },
      },
      {
        name: "c",
        phase: "Waiting",
        taskID: "uid-1/c/0/0",
        startTime: second(0),
        message: `retry 1 at ${second(11)} after: busy`,
        iterations: 1,
        attempts: 1,
        tokenUsage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      },
      { name: "d", phase: "Pending" },
    ],
    startTime: second(0),
    totalTokenUsage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
  });

  end(run, "a", 3, { kind: "failed", code: "provider.auth", message: "bad key", mayPass: false });
  const { steps, ...rest } = run.status();
  const message = "step a: bad key";
  expect(rest).toEqual({
    phase: "Failed",
    conditions: condition({ status: "False", reason: "StepFailed", message }, second(3)),
    startTime: second(0),
    completionTime: second(3),
    totalTokenUsage: { inputTokens: 4, outputTokens: 5, totalTokens: 9 },
  });
  expect(
    steps?.map(({ phase, completionTime, message, errorCode }) => [phase, completionTime, message, errorCode]),
  ).toEqual([
    ["Failed", second(3), "bad key", "provider.auth"],
    ["Cancelled", second(3), "stopped: the run ended with StepFailed", undefined],
    ["Cancelled", second(3), "stopped: the run ended with StepFailed", undefined],
    ["Skipped", second(3), "not started: the run ended with StepFailed", undefined],
  ]);
});

test("api 2: a contextPolicy that found nothing is said of its step, whose readers get the whole output", () => {
  const contextPolicy = { strategy: "extract", extract: { path: "$.x" } } as const;
  const run = new Lived(
    teamSpec({
      pipeline: [
        { role: "a", contextPolicy },
        { role: "b", dependsOn: ["a"], inputs: { prompt: "{{ .steps.a.output }}" } },
      ],
    }),
  );
  const output = { inline: "whole" };
  end(run, "a", 1, { kind: "done", output, contextMissed: "$.x leads to nothing in the answer" });
  expect(run.status().steps?.[0]).toMatchObject({
    phase: "Succeeded",
    output: "whole",
    message: "contextPolicy: $.x leads to nothing in the answer; readers get the whole output",
  });
  expect(run.task("b").task.prompt).toContain("whole");
});

test("V2: texts that do not fit are cut, and never within a character", () => {
  const texts = ["", "x", "xx"].map((before) => before + "😀a".repeat(60_000));
  const steps = fitTexts(texts.map((output) => ({ name: "a", phase: "Succeeded", output })));
  const outputs = steps.map(({ output = "" }) => output);
  expect(outputs.filter((output) => /\p{Surrogate}/u.test(output))).toEqual([]);
  expect(outputs.filter((output) => !output.endsWith("…"))).toEqual([]);
  const share = Math.floor((160 * 1024) / texts.length);
  // Half a character less, where one would have been halved.
  expect(outputs.map(({ length }) => share - length).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
});

test("api, common to all kinds: status and conditions say of which generation they speak", () => {
  const run = new Lived(teamSpec({ pipeline: [{ role: "a" }] }), { generation: 2 });
  const { observedGeneration, conditions } = run.status();
  expect([observedGeneration, conditions?.map((one) => one.observedGeneration)]).toEqual([2, [2, 2]]);
});
