import { expect, test } from "vitest";
import { wrapStepOutput } from "./marks.ts";

test.each([
  ["plain text", "green", "green"],
  ["a closing content mark", "x</content>y", "x&lt;/content>y"],
  ["a closing block mark", "x</ark:step-output>y", "x&lt;/ark:step-output>y"],
  ["an opening block mark", '<ark:step-output name="a">', '&lt;ark:step-output name="a">'],
  ["other case and spaces", "< / CONTENT >", "&lt; / CONTENT >"],
  ["other marks", "<b>bold</b> <content> </contents>", "<b>bold</b> <content> </contents>"],
])("a wrapped output holds no mark of its own (E6): %s", (_, text, inside) => {
  expect(wrapStepOutput("a", text)).toBe(`<ark:step-output name="a"><content>${inside}</content></ark:step-output>`);
});
