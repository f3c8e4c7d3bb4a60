import { expect, test } from "vitest";
import { early } from "./early.ts";

function slots() {
  const ends: { readonly end: () => void; readonly fail: (why: Error) => void }[] = [];
  const begin = () => new Promise<void>((end, fail) => void ends.push({ end, fail }));
  return { begin, ends };
}

test("the first wake joins what began with the process, the next one begins anew", async () => {
  const { begin, ends } = slots();
  const wake = early(begin);
  expect(ends).toHaveLength(1);
  const first = wake();
  expect(ends).toHaveLength(1);
  void wake();
  expect(ends).toHaveLength(2);
  ends[0]?.end();
  await first;
});

test.each(["end", "fail"] as const)("what is over before a wake comes is joined by none: %s", async (how) => {
  const { begin, ends } = slots();
  const wake = early(begin);
  ends[0]?.[how](new Error("broke"));
  await Promise.resolve();
  await Promise.resolve();
  void wake();
  expect(ends).toHaveLength(2);
});
