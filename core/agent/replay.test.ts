import { expect, test } from "vitest";
import type { RecordedTurn, TurnPurpose } from "./ports.ts";
import { replayOf } from "./replay.ts";

const model = (index: number): RecordedTurn => ({
  kind: "model",
  index,
  purpose: "answer",
  requestDigest: "",
  answer: { text: "", toolCalls: [], stop: "stop" },
  usage: { inputTokens: 1, outputTokens: 1 },
  at: 0,
});
const tools = (index: number, ...callIds: string[]): RecordedTurn => ({
  kind: "tools",
  index,
  requestDigest: "",
  results: callIds.map((callId) => ({ callId, text: "", isError: false })),
  at: 0,
});
const asked = (replay: ReturnType<typeof replayOf>, ...questions: (readonly string[] | TurnPurpose)[]) =>
  questions.map((one) => (typeof one === "string" ? replay.model(one) : replay.tools(one))?.index);

test.each([
  ["R1: in order, whatever order they came in", [tools(1, "a", "b"), model(0), model(2)], [0, 1, 2]],
  ["R2: nothing after a call that was not made", [model(0), tools(1, "a"), model(2)], [0, undefined, undefined]],
  ["R2: nothing after calls in another order", [model(0), tools(1, "b", "a"), model(2)], [0, undefined, undefined]],
  ["R2: nothing after a call more", [model(0), tools(1, "a", "b", "c"), model(2)], [0, undefined, undefined]],
  ["R2: nothing where an answer is missing", [tools(1, "a", "b"), model(2)], [undefined, undefined, undefined]],
  ["R2: no more than there is", [model(0)], [0, undefined, undefined]],
])("%s", (_name, recorded, found) => {
  expect(asked(replayOf(recorded), "answer", ["a", "b"], "answer")).toEqual(found);
});

test("R2: an answer to another question is not used", () => {
  expect(asked(replayOf([model(0), model(1)]), "validate", "answer")).toEqual([undefined, undefined]);
});

test.each([
  [[], [0, 1]],
  [
    [model(0), tools(1)],
    [2, 3],
  ],
  [
    [tools(7), model(3)],
    [8, 9],
  ],
])("R3: after %j new turns are numbered %j", (recorded, numbers) => {
  const replay = replayOf(recorded);
  expect([replay.take(), replay.take()]).toEqual(numbers);
});
