import { expect, test } from "vitest";
import { wrapStepOutput } from "./marks.ts";

test.each([
  ["plain text", "green", "green"],
  ["a closing content mark", "x</content>y", "x&lt;/content>y"],
  ["a closing block mark", "x</ark:step-output>y", "x&lt;/ark:step-output>y"],
  ["an opening block mark", '<ark:step-output name="a">', '&lt;ark:step-output name="a">'],
  ["other case and spaces", "< / CONTENT >", "&lt; / CONTENT >"],
  ["a spaced opening mark", "< ark:step-output>", "&lt; ark:step-output>"],
  ["a spaced closing block mark", "< / ark:step-output >", "&lt; / ark:step-output >"],
  ["other marks", "<b>bold</b> <content> </contents>", "<b>bold</b> <content> </contents>"],
])("a wrapped output holds no mark of its own (E6): %s", (_, text, inside) => {
  expect(wrapStepOutput("a", text)).toBe(`<ark:step-output name="a"><content>${inside}</content></ark:step-output>`);
});

test("a mark's beginning before a megabyte of spaces costs no more than reading them", () => {
  const text = `<${" ".repeat(1_000_000)}`;
  expect(wrapStepOutput("a", text)).toBe(`<ark:step-output name="a"><content>${text}</content></ark:step-output>`);
});
