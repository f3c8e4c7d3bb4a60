import { describe, expect, it } from "vitest";
import { lastLine, progressBlock, progressChanges } from "./progress.ts";
import { runReport, runStory } from "./run-story.ts";
import type { RunView, StepView } from "./run-view.ts";
import { COLOR, PLAIN, width } from "./style.ts";

const options = { now: 10_000, columns: 80, rows: 24, style: PLAIN };
const research: StepView = { name: "research", phase: "Succeeded", tokens: 1560, startedAt: 0, endedAt: 2_100 };
const write: StepView = { name: "write", phase: "Running", tokens: 0, startedAt: 2_100 };
const going: RunView = {
  name: "blog-run-abc123",
  namespace: "default",
  of: "blog",
  phase: "Running",
  startedAt: 0,
  tokens: 1560,
  steps: [research, write, { name: "edit", phase: "Pending", tokens: 0 }],
};
const ended: RunView = {
  ...going,
  phase: "Succeeded",
  endedAt: 6_300,
  tokens: 2466,
  output: "A post.",
  steps: [
    research,
    { ...write, phase: "Succeeded", tokens: 906, endedAt: 6_300, attempts: 2 },
    { name: "edit", phase: "Skipped", tokens: 0 },
  ],
};
const failed: RunView = {
  ...going,
  phase: "Failed",
  endedAt: 6_300,
  reason: "StepFailed",
  message: "step write failed",
  steps: [research, { ...write, phase: "Failed", message: "no\ncredit", endedAt: 6_300 }],
};

describe("progress", () => {
  it("prints each change once, in the words of api 14", () => {
    expect(progressChanges(undefined, going, options)).toEqual([
      "research  [done]  1560 tokens  2.1s",
      "write     [running]",
    ]);
    expect(progressChanges(going, going, options)).toEqual([]);
    expect(progressChanges(going, ended, options)).toEqual([
      "write     [done]  906 tokens  4.2s  (2 attempts)",
      "edit      [skipped]",
      "Run Succeeded in 6.3s, total: 2466 tokens",
    ]);
    expect(progressChanges(ended, ended, options)).toEqual([]);
  });

  it("says why a step and a run failed, on one line each", () => {
    expect(progressChanges(going, failed, options)).toEqual([
      "write     [failed] no credit",
      "Run Failed in 6.3s, total: 1560 tokens: StepFailed: step write failed",
    ]);
  });

  it("paints a block that never wraps", () => {
    const narrow = { ...options, columns: 20 };
    const long = { ...going, steps: [{ ...write, name: "a-step-of-a-long-name" }] };
    for (const line of [going, failed, long].flatMap((run) => progressBlock(run, 3, narrow))) {
      expect(width(line)).toBeLessThanOrEqual(20);
    }
    expect(progressBlock(going, 0, options)).toContain("edit      [pending]");
    expect(progressBlock(ended, 0, options).at(-1)).toBe(lastLine(ended, options));
  });

  it("B1: paints a block that is shorter than the terminal, with what goes now, and all steps at the end", () => {
    const done = Array.from({ length: 30 }, (_, n) => ({ ...research, name: `s${n}` }));
    const many = { ...going, steps: [...done, write] };
    expect(progressBlock(many, 0, { ...options, rows: 6 })).toEqual([
      "write  [running]",
      "and 30 other steps",
      expect.stringContaining("blog-run-abc123"),
    ]);
    const wide = { ...going, steps: done.map((step) => ({ ...step, phase: "Running" })) };
    expect(progressBlock(wide, 0, { ...options, rows: 6 })).toHaveLength(5);
    expect(progressBlock({ ...many, phase: "Succeeded" }, 0, { ...options, rows: 6 })).toHaveLength(32);
  });

  it("colours only when asked to", () => {
    expect(lastLine(ended, { ...options, style: COLOR })).toContain("\u001b[32m");
    expect(lastLine(ended, options)).not.toContain("\u001b");
  });
});

describe("run story", () => {
  it("tells steps, outcome and output", () => {
    expect(runStory(ended, options)).toBe(
      [
        "blog-run-abc123  blog  Succeeded",
        "",
        "  research  [done]  1560 tokens  2.1s",
        "  write     [done]  906 tokens  4.2s  (2 attempts)",
        "  edit      [skipped]",
        "",
        "Run Succeeded in 6.3s, total: 2466 tokens",
        "",
        "A post.",
        "",
      ].join("\n"),
    );
    expect(runStory(going, options)).toContain("not started: edit");
    expect(runStory(going, options)).toContain("Run Running for 10.0s, so far: 1560 tokens");
  });

  it("reports the JSON of api 14", () => {
    expect(runReport(ended, 99_000)).toMatchObject({
      status: "succeeded",
      runName: "blog-run-abc123",
      durationMs: 6_300,
      totalTokens: 2466,
      output: "A post.",
    });
    expect(runReport(failed, 99_000)).toMatchObject({
      status: "failed",
      error: { code: "StepFailed", message: "step write failed" },
      steps: [{ name: "research" }, { name: "write", status: "failed", message: "no\ncredit" }],
    });
  });
});
