import { expect, it } from "vitest";
import { ArkError } from "#core/errors.ts";
import { asArkError, errorText, exitCodeOf } from "./exit.ts";
import { PLAIN } from "./render/style.ts";

it.each([
  ["usage", 2],
  ["manifest.invalid", 2],
  ["run.failed", 1],
  ["server.unreachable", 3],
  ["timeout", 124],
  ["interrupted", 130],
] as const)("ends %s with exit code %d", (code, exit) => {
  expect(exitCodeOf(new ArkError(code, "m", "h"))).toBe(exit);
});

it("prints code, sentence and next step, never a stack", () => {
  const text = errorText(new ArkError("usage", "no such file\nsecond", "Give a file."), PLAIN);
  expect(text).toBe("error: usage: no such file\n  second\nnext: Give a file.\n");
  const bug = errorText(asArkError(new TypeError("x is undefined")), PLAIN);
  expect(bug).toMatch(/^error: internal: x is undefined\nnext: /);
  expect(bug).not.toMatch(/\n\s+at /);
});
