import { expect, test } from "vitest";
import { runStory } from "./run-story.ts";
import { PLAIN } from "./style.ts";

test("what a run waits for is told on one line, and steers no terminal", () => {
  const run = { name: "r", namespace: "default", of: "blog", phase: "Running", tokens: 3, steps: [] };
  const story = runStory({ ...run, message: "waiting\n\u001b[2Jfor a" }, { now: 0, columns: 80, style: PLAIN });
  expect(story.trimEnd().split("\n").at(-1)).toBe("Run Running for 0.0s, so far: 3 tokens: waiting \ufffd[2Jfor a");
});
