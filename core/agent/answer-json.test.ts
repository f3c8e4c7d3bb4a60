import { expect, test } from "vitest";
import { answerJson } from "./answer-json.ts";

test.each([
  ["the whole answer", ' {"a":1}\n', { a: 1 }],
  ["null is a value", "null", null],
  ["a fenced block with words around it", 'Sure:\n```json\n{"a":1}\n```\nDone.', { a: 1 }],
  ["a fence without a language, CRLF", "```\r\n[1]\r\n```\r\n", [1]],
  ["a tilde fence", "~~~\n1\n~~~", 1],
  ["a fence that never closes", "```json\n[1]", [1]],
  ["a longer fence holds a shorter one", '````\n"a ``` b"\n````', "a ``` b"],
  ["backticks inside a string do not close", '```json\n{"code":"```js"}\n```', { code: "```js" }],
])("E23: %s", (_name, answer, value) => {
  expect(answerJson(answer)).toEqual({ kind: "json", value });
});

test.each([
  ["words", "I cannot", "the answer is not JSON"],
  ["two blocks", "```\n1\n```\n```\n2\n```", "the answer holds 2 fenced blocks, not one"],
  ["a block of something else", "```\nlet a\n```", "the fenced block of the answer is not JSON"],
  ["nothing", "", "the answer is not JSON"],
])("no JSON: %s", (_name, answer, reason) => {
  expect(answerJson(answer)).toEqual({ kind: "none", reason });
});
