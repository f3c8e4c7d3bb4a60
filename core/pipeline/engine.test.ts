import { describe, expect, test } from "vitest";
import type { Step, Validation } from "#core/api/v1alpha1/ark-team.ts";
import type { StepOutcome } from "#core/events/facts.ts";
import { done, Lived, requested, teamSpec } from "./testing.ts";
import { startRefused } from "./start.ts";

const live = (pipeline: Step[], more: Parameters<typeof teamSpec>[0] = {}) =>
  new Lived(teamSpec({ pipeline, ...more }));

const busy: StepOutcome = { kind: "failed", code: "provider.rate_limited", message: "slow down", mayPass: true };
const broken: StepOutcome = { kind: "failed", code: "provider.auth", message: "bad key", mayPass: false };
const invalid = (answer: string, retryable = true): StepOutcome => ({
  kind: "invalid",
  code: "output.schema",
  message: `/${answer} is wrong`,
  answer: { inline: answer },
  retryable,
});
const diamond: Step[] = [
  { role: "a" },
  { role: "b", dependsOn: ["a"], inputs: { t: "{{ .steps.a.output }}" } },
  { role: "c", dependsOn: ["a"] },
  { role: "d", dependsOn: ["b", "c"] },
];

describe("dependsOn", () => {
  test("a step starts when its last dependency ends, siblings together (D11)", () => {
    const run = live(diamond);
    run.finish("a", "1");
    expect(run.phases()).toEqual({ a: "succeeded", b: "active", c: "active", d: "pending" });
    run.finish("c", "3");
    expect(run.phases()["d"]).toBe("pending");
    run.finish("b", "2");
    expect(run.phases()["d"]).toBe("active");
    expect(run.of("task")).toHaveLength(4);
  });

  test("a join starts at its latest dependency, in whatever order the facts came (A1)", () => {
    const ends = { b: 50, c: 30 } as const;
    for (const order of [
      ["b", "c"],
      ["c", "b"],
    ] as const) {
      const run = live(diamond);
      run.finish("a", "1");
      for (const step of order)
        run.fold({ kind: "step.finished", at: ends[step], ...run.key(step), outcome: done(step) });
      expect(run.state.steps["d"]?.startedAt).toBe(50);
    }
  });

  test("one role serves two named steps, and a dashed name is read by index (D22)", () => {
    const run = live([
      { role: "a", name: "fact-check" },
      {
        role: "a",
        name: "polish",
        dependsOn: ["fact-check"],
        inputs: { prompt: '{{ (index .steps "fact-check").rawOutput | upcase }}' },
      },
    ]);
    run.finish("fact-check", "ok");
    expect(run.task("polish").agent).toBe("team-a");
    expect(run.task("polish").task.prompt).toContain("OK");
  });
});

describe("if", () => {
  const gated = (condition: string): Step[] => [
    { role: "a" },
    { role: "b", dependsOn: ["a"], if: condition },
    { role: "c", dependsOn: ["b"], inputs: { prompt: "[{{ .steps.b.output }}|{{ .steps.b.status }}]" } },
  ];

  test.each(["false", "{{ .steps.a.data.go }}", " NO ", "0", "{{ eq .steps.a.output `x` }}", ""])(
    "%j skips the step, which satisfies dependents",
    (condition) => {
      const run = live(gated(condition));
      run.finish("a", "one");
      expect(run.phases()).toEqual({ a: "succeeded", b: "skipped", c: "active" });
      expect(run.task("c").task.prompt).toBe("[|Skipped]");
      run.finish("c", "end");
      expect(run.status()).toMatchObject({ phase: "Succeeded", output: "end" });
    },
  );

  test("it reads parsed data and sees no marks (E5, E6)", () => {
    const run = live(gated("{{ and .steps.a.data.go (eq .steps.a.output `plain`) }}"));
    run.finish("a", done("plain", { go: true }));
    expect(run.phases()["b"]).toBe("active");
  });

  test("an error in it fails the step with line and column (D17)", () => {
    const run = live(gated("{{ index .steps.a.data.list 9 }}"));
    run.finish("a", done("x", { list: [1] }));
    expect(run.end()).toBe("StepFailed");
    const [, b] = run.status().steps ?? [];
    expect(b).toMatchObject({
      phase: "Failed",
      errorCode: "template.failed",
      message: expect.stringContaining("if: line 1, column"),
    });
    expect(run.phases()["c"]).toBe("skipped");
  });

  test("all steps skipped is a success with nothing to say", () => {
    const run = live([{ role: "a", if: "no" }]);
    expect(run.end()).toBe("succeeded");
    expect(run.status().output).toBe("");
    expect(run.of("task")).toEqual([]);
  });

  test("an error in an input fails the step, never the literal text", () => {
    const run = live([{ role: "a", inputs: { t: "{{ index .input.x 9 }}" } }], { input: { x: "short" } });
    expect(run.end()).toBe("StepFailed");
    expect(run.of("task")).toEqual([]);
  });
});

describe("loop", () => {
  const looping = (condition: string, maxIterations = 3): Step => ({
    role: "a",
    inputs: { prompt: "again {{ .steps.a.output }}" },
    loop: { condition, maxIterations },
  });

  test("it repeats while true, and the next one reads the output before (D48, D18)", () => {
    const run = live([looping("{{ ne .steps.a.output `good` }}")]);
    expect(run.task("a").task.prompt).toBe("again ");
    run.finish("a", "bad", 5);
    expect(run.task("a")).toMatchObject({ id: run.id("a", 1) });
    expect(run.task("a").task.prompt).toContain("<content>bad</content>");
    run.finish("a", "good", 6);
    expect(run.end()).toBe("succeeded");
    expect(run.status().steps?.[0]).toMatchObject({
      iterations: 2,
      attempts: 1,
      output: "good",
      tokenUsage: { totalTokens: 11 },
    });
  });

  test.each([1, 2, 5])("maxIterations %i is that many further executions, exactly (D18)", (max) => {
    const run = live([looping("true", max)]);
    for (let i = 0; i <= max; i++) run.finish("a", `${i}`);
    expect(run.end()).toBe("succeeded");
    expect(run.of("task")).toHaveLength(max + 1);
    expect(run.status().output).toBe(`${max}`);
  });

  test("an error in the condition fails the step", () => {
    const run = live([looping("{{ index .steps.a.output 99 }}")]);
    run.finish("a", "x");
    expect(run.status().steps?.[0]).toMatchObject({
      phase: "Failed",
      message: expect.stringContaining("loop.condition"),
    });
  });

  test("retries are counted anew in each iteration", () => {
    const run = live([{ ...looping("true", 1), retry: { limit: 1 } }]);
    run.finish("a", busy);
    run.fire("retry-a-0-1");
    run.finish("a", "first");
    expect(run.task("a").id).toBe(run.id("a", 1, 0));
    run.finish("a", busy);
    run.fire("retry-a-1-1");
    run.finish("a", "second");
    expect(run.end()).toBe("succeeded");
  });
});

describe("retry", () => {
  const retrying: Step = { role: "a", retry: { limit: 2, backoff: { duration: "10s", factor: 3, cap: "20s" } } };

  test("an error that may pass is tried again after a backoff with jitter, limit times (E9)", () => {
    const run = live([retrying]);
    for (const [attempt, bound] of [
      [1, 10_000],
      [2, 20_000],
    ] as const) {
      run.finish("a", busy, 1);
      const failedAt = run.clock;
      expect(run.phases()["a"]).toBe("backoff");
      const timer = run.of("set-timer").at(-1);
      expect(timer).toMatchObject({ timer: `retry-a-0-${attempt}` });
      expect(timer?.at).toBeGreaterThan(failedAt);
      expect(timer?.at).toBeLessThanOrEqual(failedAt + bound);
      run.fire(`retry-a-0-${attempt}`);
      expect(run.task("a").id).toBe(run.id("a", 0, attempt));
    }
    run.finish("a", busy, 1);
    expect(run.end()).toBe("StepFailed");
    expect(run.status().steps?.[0]).toMatchObject({
      attempts: 3,
      errorCode: "provider.rate_limited",
      tokenUsage: { totalTokens: 3 },
    });
  });

  test("the provider's delay wins", () => {
    const run = live([retrying]);
    run.finish("a", { ...busy, afterMs: 77_000 });
    expect(run.of("set-timer")[0]?.at).toBe(run.clock + 77_000);
    expect(run.status()).toMatchObject({
      steps: [{ phase: "Waiting", message: expect.stringContaining("slow down") }],
    });
    expect(run.status().conditions?.[0]).toMatchObject({ status: "Unknown", reason: "Waiting" });
  });

  test.each([1e17, 1e300])("a delay of %f ms, after which there are no dates, is waited for 30 days", (afterMs) => {
    const run = live([retrying]);
    run.finish("a", { ...busy, afterMs });
    expect(run.of("set-timer")[0]?.at).toBe(run.clock + 30 * 24 * 3_600_000);
    expect(run.status()).toMatchObject({ steps: [{ phase: "Waiting" }] });
  });

  test.each<[string, StepOutcome, string]>([
    ["a permanent error", broken, "StepFailed"],
    ["a budget refusal", { kind: "refused", code: "budget.exceeded", message: "spent" }, "BudgetExceeded"],
    ["an invalid answer", invalid("x"), "StepFailed"],
  ])("%s is not retried", (_, outcome, reason) => {
    const run = live([retrying]);
    run.finish("a", outcome);
    expect(run.end()).toBe(reason);
    expect(run.of("set-timer")).toEqual([]);
  });

  test("no retry declared: the first error fails the step", () => {
    const run = live([{ role: "a" }]);
    run.finish("a", busy);
    expect(run.status().steps?.[0]).toMatchObject({ phase: "Failed", message: "slow down" });
  });
});

describe("validate", () => {
  const validate: Validation = { onFailure: "retry", maxRetries: 2 };

  test("maxRetries 2 is two more attempts, each with the earlier answer and the reason (E9)", () => {
    const run = live([{ role: "a", validate }]);
    run.finish("a", invalid("one"), 1);
    expect(run.task("a")).toMatchObject({
      id: run.id("a", 0, 1),
      task: { earlier: { answer: { inline: "one" }, reason: "/one is wrong" } },
    });
    run.finish("a", invalid("two"), 1);
    expect(run.task("a").task.earlier?.answer).toEqual({ inline: "two" });
    run.finish("a", invalid("three"), 1);
    expect(run.of("task")).toHaveLength(3);
    expect(run.status().steps?.[0]).toMatchObject({
      phase: "Failed",
      errorCode: "output.schema",
      validationAttempts: 3,
      validationMessage: "/three is wrong",
      tokenUsage: { totalTokens: 3 },
    });
  });

  test("an answer that may not be retried fails at once", () => {
    const run = live([{ role: "a", validate }]);
    run.finish("a", invalid("one", false));
    expect(run.end()).toBe("StepFailed");
  });

  test("errors and refused answers are counted apart, and the reason survives an error", () => {
    const run = live([{ role: "a", validate, retry: { limit: 1 } }]);
    run.finish("a", invalid("one"));
    run.finish("a", busy);
    run.fire("retry-a-0-2");
    expect(run.task("a").task.earlier?.answer).toEqual({ inline: "one" });
    run.finish("a", invalid("two"));
    run.finish("a", "right");
    expect(run.end()).toBe("succeeded");
    expect(run.status().steps?.[0]).toMatchObject({ attempts: 4, validationAttempts: 2 });
  });
});

describe("ends of a run", () => {
  test.each(["x", "\u{1f989}"])(
    "messages of many %s have as many characters as an API server takes (api 4)",
    (character) => {
      const run = live([{ role: "a" }]);
      run.finish("a", { ...broken, message: character.repeat(1_500) });
      const { steps, conditions } = run.status();
      for (const text of [steps?.[0]?.message, conditions?.[0]?.message])
        expect(Array.from(text ?? "")).toHaveLength(1_000);
    },
  );

  test("a failed step cancels running siblings and skips waiting ones (E7)", () => {
    const run = live(diamond, { timeoutSeconds: 60 });
    run.finish("a", "1");
    const seq = run.state.issued[run.id("c")];
    run.finish("b", broken, 2);
    expect(run.phases()).toEqual({ a: "succeeded", b: "failed", c: "cancelled", d: "skipped" });
    expect(run.of("cancel-task")).toEqual([
      {
        kind: "cancel-task",
        id: `${run.id("c")}/cancel`,
        key: { step: "c", iteration: 0, attempt: 0 },
        agent: "team-c",
        taskSeq: seq,
      },
    ]);
    expect(run.of("clear-timer").map(({ timer }) => timer)).toEqual(["run-timeout"]);
    expect(run.of("emit").at(-1)?.type).toBe("dev.ark.run.failed");
    expect(run.status().conditions?.[0]).toMatchObject({
      status: "False",
      reason: "StepFailed",
      message: "step b: bad key",
    });
  });

  test("a run that can do nothing but wait for a retry says so, once for each retry", () => {
    const backoff = { duration: "10s", factor: 1, cap: "10s" };
    const run = live([{ role: "a", retry: { limit: 2, backoff } }, { role: "b" }]);
    const waits = () =>
      run
        .of("emit")
        .filter(({ type }) => type === "dev.ark.run.waiting")
        .map(({ id }) => id);
    run.finish("a", busy);
    expect(waits()).toEqual([]);
    run.finish("b", "done");
    expect(waits()).toEqual(["uid-1/emit/dev.ark.run.waiting.a.0.1"]);
    expect(run.status().conditions?.[0]).toMatchObject({
      reason: "Waiting",
      message: expect.stringContaining("step a"),
    });
    run.fire("retry-a-0-1");
    run.finish("a", busy);
    expect(waits()).toEqual(["uid-1/emit/dev.ark.run.waiting.a.0.1", "uid-1/emit/dev.ark.run.waiting.a.0.2"]);
  });

  test("a step in backoff counts as running", () => {
    const run = live([{ role: "a", retry: { limit: 1 } }, { role: "b" }]);
    run.finish("a", busy);
    run.finish("b", broken);
    expect(run.phases()).toEqual({ a: "cancelled", b: "failed" });
    expect(run.of("clear-timer")).toHaveLength(1);
  });

  test("timeoutSeconds ends it the same way (E7)", () => {
    const run = live(diamond, { timeoutSeconds: 60 });
    expect(run.of("set-timer")).toEqual([
      { kind: "set-timer", id: "uid-1/timer/run-timeout", timer: "run-timeout", at: 60_000 },
    ]);
    run.fire("run-timeout");
    expect(run.end()).toBe("TimedOut");
    expect(run.phases()).toEqual({ a: "cancelled", b: "skipped", c: "skipped", d: "skipped" });
    expect(run.of("clear-timer")).toEqual([]);
  });

  test("cancel: the first end wins and nothing changes it (E4)", () => {
    const run = live(diamond);
    run.finish("a", "1");
    run.fold({ kind: "run.cancel", at: 50, message: "asked to" });
    const ended = structuredClone(run.state);
    expect(run.fold({ kind: "run.cancel", at: 60, message: "again" })).toBe("same");
    expect(run.fold({ kind: "timer", at: 70, timer: "run-timeout" })).toBe("same");
    expect(
      run.fold({ kind: "step.finished", at: 80, step: "b", iteration: 0, attempt: 0, outcome: done("late") }),
    ).toBe("same");
    expect(run.state).toEqual(ended);
    expect(run.end()).toBe("Cancelled");
    expect(run.status().completionTime).toBe(new Date(50).toISOString());
  });

  test("a refusal from outside ends it with its reason", () => {
    const run = live(diamond);
    run.fold({ kind: "run.refused", at: 5, reason: "TeamNotFound", message: "team other is not there" });
    expect(run.status().conditions?.[0]).toMatchObject({ reason: "TeamNotFound", message: "team other is not there" });
  });

  test("tokens spent end the run before the next task (P6, E4)", () => {
    const run = live([{ role: "a" }, { role: "b", dependsOn: ["a"] }], { maxTokens: 10 });
    run.finish("a", "1", 10);
    expect(run.end()).toBe("BudgetExceeded");
    expect(run.of("task")).toHaveLength(1);
    expect(run.status().steps?.[1]).toMatchObject({ phase: "Failed", errorCode: "budget.exceeded" });
  });

  test("tokens spent by the last step are no failure", () => {
    const run = live([{ role: "a" }], { maxTokens: 10 });
    run.finish("a", "1", 11);
    expect(run.end()).toBe("succeeded");
  });

  test("a spec without graph ends as it begins, and says so", () => {
    const fault = { path: "spec.pipeline[0].role", message: "no role is called x", reason: "InvalidDAG" } as const;
    const { state } = startRefused(requested(teamSpec({})), [fault]);
    expect(state.phase).toMatchObject({
      kind: "failed",
      reason: "InvalidDAG",
      message: "spec.pipeline[0].role: no role is called x",
    });
  });
});

describe("a step's timeout", () => {
  const timed: Step = { role: "a", timeoutSeconds: 30, retry: { limit: 1 } };

  test("travels with the task, and a safety timer starts when the task is taken (P4)", () => {
    const run = live([timed]);
    expect(run.task("a").task.timeoutMs).toBe(30_000);
    expect(run.of("set-timer")).toEqual([]);
    run.fold({ kind: "step.started", at: 1_000, ...run.key("a"), instance: "pod" });
    expect(run.of("set-timer")).toMatchObject([{ timer: "attempt-a-0-0", at: 1_000 + 30_000 + 120_000 }]);
    run.finish("a", "done");
    expect(run.of("clear-timer")).toMatchObject([{ timer: "attempt-a-0-0" }]);
  });

  test("an executor that vanished costs an attempt, and its turns count", () => {
    const run = live([timed]);
    run.fold({ kind: "step.started", at: 1_000, ...run.key("a"), instance: "pod" });
    run.fold({
      kind: "step.turn",
      at: 2_000,
      ...run.key("a"),
      turn: 0,
      usage: { inputTokens: 3, outputTokens: 4 },
      model: "m",
      record: { inline: "" },
    });
    run.fire("attempt-a-0-0");
    expect(run.of("cancel-task")).toMatchObject([{ key: { attempt: 0 } }]);
    run.fire("retry-a-0-1");
    // What has fired is not taken back.
    expect(run.of("clear-timer")).toEqual([]);
    run.fold({ kind: "step.started", at: 3_000, ...run.key("a"), instance: "pod" });
    run.fire("attempt-a-0-1");
    expect(run.status()).toMatchObject({
      phase: "Failed",
      steps: [{ errorCode: "step.timeout", message: "no result within 30 s", tokenUsage: { totalTokens: 7 } }],
    });
  });

  test("a result after the timeout changes nothing (P2)", () => {
    const run = live([timed]);
    const first = run.key("a");
    run.fold({ kind: "step.started", at: 1_000, ...first, instance: "pod" });
    run.fire("attempt-a-0-0");
    expect(run.fold({ kind: "step.finished", at: 9_000, ...first, outcome: done("late") })).toBe("same");
  });
});

describe("usage", () => {
  const turn = (turn: number, tokens: number) => ({
    kind: "step.turn" as const,
    at: 5,
    step: "a",
    iteration: 0,
    attempt: 0,
    turn,
    usage: { inputTokens: tokens, outputTokens: 1 },
    model: "m",
    record: { inline: "" },
  });

  test("turns count while running, once each, and the reported sum replaces them", () => {
    const run = live([{ role: "a" }]);
    run.fold(turn(0, 10));
    run.fold(turn(1, 20));
    expect(run.fold(turn(1, 20))).toBe("same");
    expect(run.status().totalTokenUsage).toEqual({ inputTokens: 30, outputTokens: 2, totalTokens: 32 });
    run.finish("a", "x", 31);
    expect(run.status().totalTokenUsage?.totalTokens).toBe(31);
  });

  test("a report without a sum leaves the turns standing; a cancelled step keeps them too", () => {
    const dead = live([{ role: "a" }]);
    dead.fold(turn(0, 10));
    dead.fold({ kind: "step.finished", at: 9, step: "a", iteration: 0, attempt: 0, outcome: broken });
    expect(dead.status().totalTokenUsage?.totalTokens).toBe(11);
    const cancelled = live([{ role: "a" }]);
    cancelled.fold(turn(0, 10));
    cancelled.fold({ kind: "run.cancel", at: 9, message: "stop" });
    expect(cancelled.status().totalTokenUsage?.totalTokens).toBe(11);
  });
});

describe("facts out of place", () => {
  test("of a step that has not begun are early, of unknown steps nothing (E3)", () => {
    const run = live(diamond);
    const fact = { kind: "step.finished", at: 9, iteration: 0, attempt: 0, outcome: done("x") } as const;
    expect(run.fold({ ...fact, step: "b" })).toBe("early");
    expect(run.fold({ ...fact, step: "a", attempt: 1 })).toBe("early");
    expect(run.fold({ ...fact, step: "zz" })).toBe("same");
    expect(run.fold({ kind: "timer", at: 9, timer: "retry-b-0-1" })).toBe("early");
    expect(run.fold({ kind: "timer", at: 9, timer: "somebody-else" })).toBe("same");
  });
});
