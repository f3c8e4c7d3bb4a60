import { expect, test } from "vitest";
import { OutputLost } from "#core/ports/record.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { runAnswer } from "./run-answer.ts";

const output = { ref: { digest: "sha256:0", bytes: 40_000, preview: "once" } };
const state: RunState = {
  version: 1,
  namespace: "default",
  run: "r1",
  uid: "u1",
  spec: { teamRef: "t" },
  depth: 0,
  hop: 0,
  startedAt: 1,
  phase: { kind: "succeeded", endedAt: 3, output },
  steps: {},
  issued: {},
};

test("P4: a run that succeeded is one, also where its output is lost since: the error says so", async () => {
  const load = () => Promise.reject(new OutputLost("it is gone"));
  const common = { status: "succeeded", runName: "r1", durationMs: 2 };
  expect(await runAnswer(state, { load })).toMatchObject({ ...common, error: { code: "output.lost" } });
  expect(await runAnswer(state, { load: () => Promise.resolve("all of it") })).toMatchObject({
    ...common,
    output: "all of it",
  });
  const broken = () => Promise.reject(new Error("a bug"));
  await expect(runAnswer(state, { load: broken })).rejects.toThrow("a bug");
});
